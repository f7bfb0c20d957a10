"""What the views of all tasks are made of: curves, strips of images, tables of metrics."""
