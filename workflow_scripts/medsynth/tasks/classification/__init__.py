"""The class of an image, judged on the held-out patients; it makes no images."""
