"""Shows answers in messages while they stream: when to edit, which message holds which text, and the writer task."""
