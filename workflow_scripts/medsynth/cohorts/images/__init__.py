"""Folders of images and a table that says what they show."""
