"""What the rules must know of the task."""

PRODUCT = "predictions"  # stem of the files it makes
FORM = "table"  # Parquet
JUDGED = False  # by the cohort's classifier
GPU_EVALUATION = False  # whether metrics need a network
