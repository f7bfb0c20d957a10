"""What the ledger's tables hold, and how each is asked."""
