"""A member's message as it is read out to others: who speaks, what they wrote, and not all of it where it is long."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from bot.messages import speech as texts
from bot.messages.render import render
from bot.speech.chunking import split_text
from bot.speech.sentence_stream import SentenceStream, speakable_beginning

MAX_SPOKEN_LENGTH: Final = 300
"""Characters of a message that are read: some twenty seconds."""

_MAX_SPOKEN_NAME: Final = 40
_MAX_NAME_LENGTH: Final = 100  # characters: Discord's limit
_MENTION: Final = re.compile(r"<(@!?|@&|#)(\d{1,20})>")
_STOPPED: Final = re.compile(r"[.!?…‽؟۔।॥։。！？｡][\"'”’»)\]」』】》）]*\Z")


async def speakable_message(
    text: str, *, speaker: str | None, mentions: Mapping[str, str] | None = None, max_length: int = MAX_SPOKEN_LENGTH
) -> str:
    """Return what is said of a message.

    Args:
        text: as it was written.
        speaker: the name of its author; None where the message read before was theirs too.
        mentions: names of who and what is mentioned in it, by Discord's mention: `<@42>`, `<@&42>`, `<#42>`.
        max_length: characters of what is said of the text.

    Raises:
        NoSpeakableText: nothing of it is a word.
    """
    names = mentions or {}
    speakable = cache(speakable_name)  # of a name that is mentioned over and over
    spoken = await speakable_beginning(
        _MENTION.sub(lambda found: _replace_mention(found, names, speakable), text), max_length
    )
    if len(spoken) > max_length:
        spoken = _mark_shortened(split_text(spoken, max_length)[0])
    if speaker is None:
        return spoken
    name = speakable_name(speaker)
    return render(texts.spoken_message(name, spoken) if name else texts.spoken_message_of_unnamed(spoken))


def speakable_name(name: str) -> str:
    """Return the words of a name that a member chose; "" where it has none."""
    sentences = SentenceStream()
    spoken = [*sentences.feed(name[:_MAX_NAME_LENGTH]), *sentences.finish()]
    return " ".join(spoken)[:_MAX_SPOKEN_NAME].strip()


def _replace_mention(mention: re.Match[str], names: Mapping[str, str], speakable: Callable[[str], str]) -> str:
    name = names.get(f"<{mention[1].removesuffix('!')}{mention[2]}>")
    # Its marks are dropped, and what looks like some is meant literally.
    return mention[0] if name is None else re.sub(r"([^\w\s])", r"\\\1", speakable(name)) or mention[0]


def _mark_shortened(text: str) -> str:
    if _STOPPED.search(text):
        return render(texts.shortened_after_sentence(text))
    return render(texts.shortened_in_sentence(text.rstrip(",;:،؛，、；：")))
