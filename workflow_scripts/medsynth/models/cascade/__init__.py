"""Super-resolution of what a DDPM of lower resolution draws (Ho et al. 2022)."""
