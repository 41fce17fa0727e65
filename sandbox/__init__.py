"""A local Discord and AI service, with the unchanged bot as a child process.

It imports nothing of the bot: it starts `python -m bot` and talks to it over loopback sockets only.
"""
