"""Recorded jobs again, and the ledger again, from the record alone."""
