"""The database: all SQL and both connections are in this package."""
