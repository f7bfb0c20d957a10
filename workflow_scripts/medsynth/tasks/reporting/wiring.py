"""What the rules must know of the task."""

PRODUCT = "reports"  # stem of the files it makes
FORM = "table"
JUDGED = False  # by the cohort's classifier
GPU_EVALUATION = False  # whether metrics need a network
