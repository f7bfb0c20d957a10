"""What must not be written down or shown: secrets, and names of raw files."""
