"""Voice: voice states, the voice server with its websocket and UDP socket, DAVE, and recordings of what was sent."""
