"""Logs and the records of what each request came to."""
