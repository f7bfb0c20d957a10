"""H&E slides: pages, resolution, tissue, tiles and stain."""
