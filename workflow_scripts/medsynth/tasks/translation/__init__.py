"""Images of one kind from those of another, of the held-out patients."""
