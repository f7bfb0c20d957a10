"""Predictions about patients: how well they are ordered, by what, and beside which baselines."""
