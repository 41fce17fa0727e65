"""Answers to messages: reply, typing indicator, errors."""
