"""Texts that say what images show."""
