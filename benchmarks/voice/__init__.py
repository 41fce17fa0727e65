"""How evenly, how soon and at what cost a bot speaks in many servers at once, beside what discord.py does by itself."""
