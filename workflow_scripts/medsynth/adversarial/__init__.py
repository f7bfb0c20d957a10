"""Adversarial models: CycleGAN translates CT, ProGAN is the generation baseline."""
