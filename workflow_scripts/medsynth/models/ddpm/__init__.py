"""Denoising diffusion: schedule, forward process and loss, samplers, U-Net, training."""
