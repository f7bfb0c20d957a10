"""Source as what it does: which of it a result depends on."""
