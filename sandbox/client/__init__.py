"""Users of Discord clients: what they do, and what they see of the bot's answers."""
