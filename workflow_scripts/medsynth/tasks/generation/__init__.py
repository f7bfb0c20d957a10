"""Images of every class, from noise."""
