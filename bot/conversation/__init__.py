"""Questions and answers: what is sent to a model, and what is kept of it."""
