"""Lineage: which data, code and configuration made an artifact, recorded for every job."""
