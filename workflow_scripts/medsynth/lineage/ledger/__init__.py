"""The append-only ledger of all records, and what can be asked of it."""
