"""A local stand-in for Discord and the AI service, in which the unchanged bot runs as a child process.

It imports nothing of the bot: it starts `python -m bot` and talks to it over loopback sockets only.
"""
