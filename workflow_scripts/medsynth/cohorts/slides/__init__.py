"""Histology slides of TCGA, cut into tiles of one stain."""
