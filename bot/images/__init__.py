"""Image generation: requests, results, and files that fit into a message."""
