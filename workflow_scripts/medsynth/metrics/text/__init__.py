"""Texts against reference texts."""
