"""What the rules must know of the task."""

PRODUCT = "translations"  # stem of the files it makes
FORM = "images"  # HDF5 and Parquet, and a PNG grid
JUDGED = False  # by the cohort's classifier
GPU_EVALUATION = False  # whether metrics need a network
