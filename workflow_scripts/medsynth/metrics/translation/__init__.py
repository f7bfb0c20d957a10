"""What translated images are worth, beside leaving the source as it is."""
