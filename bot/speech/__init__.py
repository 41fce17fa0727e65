"""Saying a text aloud: its wording, the pieces it is asked for in, and one MP3 out of theirs."""

from bot.speech.saying import PreparedSpeech, Saying, Speech
from bot.speech.voices import VOICES

__all__ = ["VOICES", "PreparedSpeech", "Saying", "Speech"]
