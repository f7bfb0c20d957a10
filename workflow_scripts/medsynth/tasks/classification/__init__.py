"""The class of an image, judged on the held-out patients; it makes no images."""

PRODUCT = None  # stem of the files it makes
JUDGED = False  # by the cohort's classifier
GPU_EVALUATION = True  # whether metrics need a network
