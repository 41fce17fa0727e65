"""What is kept of conversations and people: to look at, to take along, and to let go of in time."""
