"""Medical images as files and as arrays: formats, sizes, grids; knows no cohort."""
