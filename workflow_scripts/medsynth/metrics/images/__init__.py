"""What generated images are worth, beside real ones and beside nothing."""
