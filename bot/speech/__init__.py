"""Saying a text aloud: its wording, the pieces it is asked for in, and one MP3 out of theirs."""
