"""Limits on what is used, and the ledger that enforces them."""
