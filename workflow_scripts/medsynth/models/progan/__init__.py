"""ProGAN (Karras et al. 2018), the generation baseline."""
