"""Classifiers of noisy images, which guide diffusion models (Dhariwal & Nichol 2021)."""
