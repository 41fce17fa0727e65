"""Requests that are being worked on: their rows in the database, cancellation, recovery after a crash."""
