"""The record as MLflow shows it, and read back from there."""
