"""Stored conversations and personal data: reading, exporting, deleting, and how long they are kept."""
