"""Denoising diffusion conditioned on a text, whose encoder is trained with it."""
