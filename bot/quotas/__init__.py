"""Limits on what is spent: the rules, and the ledger that holds them."""
