"""The language of radiology reports."""
