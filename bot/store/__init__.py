"""What the bot remembers: every word of SQL and both database connections live in this package."""
