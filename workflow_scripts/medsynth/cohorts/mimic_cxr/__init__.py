"""Chest radiographs of MIMIC-CXR and MIMIC-CXR-JPG, and their reports."""
