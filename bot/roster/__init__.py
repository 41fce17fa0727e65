"""Who is at work on what: events are answered once, and what a dead process left unfinished is found."""
