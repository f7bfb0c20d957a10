"""CycleGAN (Zhu et al. 2017) between CT without and with contrast medium."""
