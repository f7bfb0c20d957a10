"""Late fusion of images and tables, each of which may be missing."""
