"""Text: where its blocks are and where it may be cut. Knows markdown, not Discord's network."""
