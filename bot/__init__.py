"""A Discord bot that answers, speaks and draws through MultiAppAI."""
