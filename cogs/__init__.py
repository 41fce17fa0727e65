"""Commands: each file maps one family of them to the services in `bot`."""
