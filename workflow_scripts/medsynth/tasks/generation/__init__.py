"""Images of every class, from noise."""

PRODUCT = "samples"  # stem of the files it makes
