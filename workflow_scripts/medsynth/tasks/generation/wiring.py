"""What the rules must know of the task."""

PRODUCT = "samples"  # stem of the files it makes
FORM = "images"  # HDF5 and Parquet, and a PNG grid
JUDGED = True  # by the cohort's classifier
GPU_EVALUATION = True  # whether metrics need a network
