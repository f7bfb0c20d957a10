"""What is checked of a configuration beside the values of its keys, and where it says what."""
