"""Showing an answer while it is written: when to edit, which message holds which text, and the task that does it."""
