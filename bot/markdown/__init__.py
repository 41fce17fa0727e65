"""Markdown: rendering for Discord and cutting into messages. Knows no network."""
