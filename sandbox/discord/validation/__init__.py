"""What Discord accepts in request bodies; everything else is refused with its error codes."""
