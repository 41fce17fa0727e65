"""Somebody's message as it is read out to others: who speaks, what they wrote, and not all of it where it is long."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from bot.speech.chunking import split_text
from bot.speech.sentence_stream import SentenceStream, beginning

LONGEST: Final = 300
"""Characters of a message that are read: some twenty seconds."""

SOMEBODY: Final = "Somebody"

_LONGEST_NAME: Final = 40
_MOST_OF_A_NAME: Final = 100  # characters: Discord's limit
_MENTION: Final = re.compile(r"<(@!?|@&|#)(\d{1,20})>")
_STOPPED: Final = re.compile(r"[.!?…‽؟۔।॥։。！？｡][\"'”’»)\]」』】》）]*\Z")


async def speakable_message(
    text: str, *, speaker: str | None, mentions: Mapping[str, str] | None = None, longest: int = LONGEST
) -> str:
    """Say a message in plain words.

    Args:
        text: as it was written.
        speaker: the name of whoever wrote it; None where the message read before was theirs too.
        mentions: names of who and what is mentioned in it, by Discord's mention: `<@42>`, `<@&42>`, `<#42>`.
        longest: characters of what is said of the text.

    Raises:
        NoSpeakableText: nothing of it is a word.
    """
    names = mentions or {}
    said_of = cache(spoken_name)  # of a name that is mentioned over and over
    said = await beginning(_MENTION.sub(lambda found: _name_of(found, names, said_of), text), longest)
    if len(said) > longest:
        said = _and_so_on(split_text(said, longest)[0])
    return said if speaker is None else f"{spoken_name(speaker) or SOMEBODY} says: {said}"


def spoken_name(name: str) -> str:
    """Return the words of a name that somebody chose; nothing where it has none."""
    sentences = SentenceStream()
    said = [*sentences.feed(name[:_MOST_OF_A_NAME]), *sentences.finish()]
    return " ".join(said)[:_LONGEST_NAME].strip()


def _name_of(mention: re.Match[str], names: Mapping[str, str], said_of: Callable[[str], str]) -> str:
    name = names.get(f"<{mention[1].removesuffix('!')}{mention[2]}>")
    # Its marks are gone, and what looks like some is meant as it stands.
    return mention[0] if name is None else re.sub(r"([^\w\s])", r"\\\1", said_of(name)) or mention[0]


def _and_so_on(beginning: str) -> str:
    if _STOPPED.search(beginning):
        return f"{beginning} And so on."
    return f"{beginning.rstrip(',;:،؛，、；：')}, and so on."
