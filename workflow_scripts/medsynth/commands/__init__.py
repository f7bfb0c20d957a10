"""The command line: what people call."""
