"""The prompt and the tour: the sandbox in a terminal or a pipe."""
