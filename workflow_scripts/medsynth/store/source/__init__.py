"""Source: which checkout of it runs, and what of it, as what it does, a result depends on."""
