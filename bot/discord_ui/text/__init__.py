"""What the bot says in Discord about a thing, a file each: settings, limits, history, the voice queue."""
