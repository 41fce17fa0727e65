"""What the mark-up within a line sounds like: Discord's own, links and code.

While marks are being read, characters that are meant literally wait as private-use ones, and words that stand in for
something a voice cannot say carry marks of their own; `plain` turns all of that into a text. Nothing that people write
keeps private-use characters (see `plain_characters`), so these mean nothing else.
"""

import re
import unicodedata
from typing import Final

SOMEONE: Final = "someone"
SOME_ROLE: Final = "a group"
SOME_CHANNEL: Final = "a channel"
SOME_TIME: Final = "a time"
SOME_LINK: Final = "a link"

SPOILER: Final = r"\|\|(?P<spoiler>.+?)\|\|"
ESCAPED: Final = r"\\(?P<escaped>[!-/:-@\[-`{-~])"
LABEL: Final = (
    r"!?\[(?P<label>[^\[\]\n]+)\]"
    r"\(<?https?://[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*>?(?:[^\S\n]+\"[^\"\n]*\")?\)"
)
NAMED: Final = r"""
      <a?:(?P<emoji>\w{1,64}):\d{1,20}>
    | <@!?(?P<member>\d{1,20})>
    | <@&(?P<role>\d{1,20})>
    | <\#(?P<channel>\d{1,20})> | <id:(?P<place>[\w-]{1,32})>
    | <t:(?P<time>-?\d{1,16})(?::[a-zA-Z])?>
    | </(?P<command>[^<>:|\n]{1,110}):\d{1,20}>
    | @(?P<all>everyone|here)\b
    | <(?P<quiet>https?://[^\s<>]+)>
    | (?P<url>https?://[^\s<>|。，、！？]+)
"""

EMPHASIS: Final = (
    (re.compile(r"~~+|`+|\|\|"), ""),
    # Seen by its place rather than in pairs: `2*3`, `2 * 3` and `snake_case` are no emphasis.
    (re.compile(r"(?<![A-Za-z0-9])\*+(?=\S)|(?<=\S)\*+(?![A-Za-z0-9])|(?<=[^\W\d])\*\*+(?=[^\W\d])"), ""),
    (re.compile(r"(?<!\w)_+(?=\S)|(?<=[^\s_])_+(?!\w)"), ""),
)

_STANDING_IN: Final = {
    "member": SOMEONE,
    "role": SOME_ROLE,
    "channel": SOME_CHANNEL,
    "place": SOME_CHANNEL,
    "time": SOME_TIME,
    "quiet": SOME_LINK,
}

_LITERAL: Final = {ord(mark): 0xE000 + index for index, mark in enumerate("\\*_~|`#>-+[]()<:@&!/")}
# A white space and everything that may end a sentence or a clause.
_UNDIVIDED: Final = {ord(mark): 0xE040 + index for index, mark in enumerate(" .!?…‽؟۔।॥։。！？｡,;،؛–—，、；：")}
_OPEN, _CLOSE = "\ue100", "\ue101"  # around words that stand in for something else, and are not the member's own
_BACK: Final = {waiting: chr(mark) for table in (_LITERAL, _UNDIVIDED) for mark, waiting in table.items()} | {
    ord(_OPEN): None,
    ord(_CLOSE): None,
}
_STAND_INS: Final = re.compile(f"{_OPEN}[^{_CLOSE}]*{_CLOSE}")

_JOINERS: Final = frozenset("\u200c\u200d")  # they shape Persian and Indic words, and tie emoji together


def said(kind: str | None, content: str) -> str:
    """Say one piece of mark-up, named as its group in the expressions above. Labels are the caller's."""
    match kind:
        case "escaped":
            return literal(content)
        case "spoiler":
            return " "
        case "url":
            link = content.rstrip(".,;:!?)]}'\"»*_~|")
            return stand_in(SOME_LINK) + content[len(link) :]
        case "emoji":
            return stand_in(content.replace("_", " "))
        case "command":
            return stand_in(content)
        case "all":
            return stand_in(content.lower())
    return stand_in(_STANDING_IN[kind or ""])


def literal(text: str) -> str:
    """Keep what looks like marks in `text` from being taken for some."""
    return text.translate(_LITERAL)


def undivided(text: str) -> str:
    """Keep `text` from being cut anywhere in it."""
    return text.translate(_UNDIVIDED)


def stand_in(words: str) -> str:
    """Mark `words` as standing in for something that cannot be said."""
    return f"{_OPEN}{undivided(literal(words))}{_CLOSE}"


def own_words(text: str) -> str:
    """Give `text` without what stands in for something else."""
    return _STAND_INS.sub("", text)


def plain(text: str) -> str:
    """Turn everything that waits into what it means."""
    return text.translate(_BACK)


def plain_characters(text: str) -> str:
    """Take out what is no character to a voice: controls, invisible formatting, private use, halves of pairs."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n\n")
    return "".join(
        character
        for character in text
        if character in "\n\t" or character in _JOINERS or unicodedata.category(character)[0] != "C"
    )
