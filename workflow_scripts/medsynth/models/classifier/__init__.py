"""The medical classifier: its features judge generated images, its answers their labels."""
