"""What the rules must know of the task."""

PRODUCT = None  # stem of the files it makes
FORM = None
JUDGED = False  # by the cohort's classifier
GPU_EVALUATION = True  # whether metrics need a network
