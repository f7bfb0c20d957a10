"""Mutation tables, and which of their rows change IDH1 or IDH2 at a hotspot."""
