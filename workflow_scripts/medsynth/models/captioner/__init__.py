"""Reports from images: a convolutional encoder and a causal transformer decoder."""
