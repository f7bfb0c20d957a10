"""Images of one kind from those of another, of the held-out patients."""

PRODUCT = "translations"  # stem of the files it makes
JUDGED = False  # by the cohort's classifier
GPU_EVALUATION = False  # whether metrics need a network
