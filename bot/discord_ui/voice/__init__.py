"""The bot's voice on Discord: connections, what becomes of them, and who may have it where."""
