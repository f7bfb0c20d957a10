"""What generated and translated images are worth: float64 numbers with intervals and reasons."""
