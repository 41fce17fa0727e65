"""Discord's voice side: who is in which channel, the voice server with its websocket and UDP, and what members hear."""
