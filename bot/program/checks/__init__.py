"""What `python -m bot check` looks at, a file for each far side."""
