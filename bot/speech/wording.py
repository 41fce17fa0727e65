"""From a text as typed to the words that are said.

Discord's mark-up is written for the eye. Marks go, what they mark stays, and what only a screen can show (a mention, a
link) becomes the nearest word for it. Hidden text stays hidden: what is behind a spoiler is not said.
"""

import re
import unicodedata
from typing import Final

from bot.errors import NothingToSay

SOMEONE: Final = "someone"
SOME_ROLE: Final = "a group"
SOME_CHANNEL: Final = "a channel"
SOME_TIME: Final = "a time"
SOME_LINK: Final = "a link"


def sayable(text: str) -> str:
    """Give the words of `text` that can be said, with its lines and paragraphs.

    Raises:
        NothingToSay: nothing of it is a word: only punctuation, emoji, mentions, bare links, spoilers or white space.
    """
    marked = _TOKENS.sub(_token, _plain_characters(text))
    for marks, left in _MARKS:
        marked = marks.sub(left, marked)
    if not has_words(_STAND_INS.sub("", marked)):
        raise NothingToSay
    return _tidy(marked.translate(_BACK))


def has_words(text: str) -> bool:
    """Whether a voice would have anything to say: a letter or a number that is not an invisible filler."""
    return any(unicodedata.category(character)[0] in "LN" and character not in _FILLERS for character in text)


# Discord's marks which are meant literally (in code, after a backslash) wait as private-use characters until the others
# are taken out. Text that comes with private-use characters loses them first: nobody can say those.
_LITERAL: Final = {ord(mark): 0xE000 + index for index, mark in enumerate("\\*_~|`#>-+[]()<:@&!/")}
_OPEN, _CLOSE = "\ue100", "\ue101"  # around words that stand in for something else, and are not the member's own
_BACK: Final = {waiting: chr(mark) for mark, waiting in _LITERAL.items()} | {ord(_OPEN): None, ord(_CLOSE): None}
_STAND_INS: Final = re.compile(f"{_OPEN}[^{_CLOSE}]*{_CLOSE}")

# Unicode calls these letters, and they show as nothing: Hangul fillers.
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0")
_JOINERS: Final = frozenset("\u200c\u200d")  # they shape Persian and Indic words, and tie emoji together

_TOKENS: Final = re.compile(
    r"""
      ```(?:[A-Za-z0-9_+.\-#]*\n)?(?P<fence>.+?)```
    | (?P<ticks>``?)(?P<code>[^`]+)(?P=ticks)
    | \\(?P<escaped>[!-/:-@\[-`{-~])
    | \|\|(?P<spoiler>.+?)\|\|
    | <a?:(?P<emoji>\w{1,64}):\d{1,20}>
    | <@!?(?P<member>\d{1,20})>
    | <@&(?P<role>\d{1,20})>
    | <\#(?P<channel>\d{1,20})> | <id:(?P<place>[\w-]{1,32})>
    | <t:(?P<time>-?\d{1,16})(?::[a-zA-Z])?>
    | </(?P<command>[^<>:\n]{1,110}):\d{1,20}>
    | @(?P<all>everyone|here)\b
    | !?\[(?P<label>[^\[\]\n]+)\]\(<?https?://[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*>?(?:\s+"[^"\n]*")?\)
    | <(?P<quiet>https?://[^\s<>]+)>
    | (?P<url>https?://[^\s<>|。，、！？]+)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)

_MARKS: Final = (
    (re.compile(r"^[ \t]*(?:>>>|>)[ \t]+", re.MULTILINE), ""),  # quotes
    (re.compile(r"^[ \t]*(?:-#|#{1,3})[ \t]+", re.MULTILINE), ""),  # headings, small print
    (re.compile(r"^[ \t]*[-*+][ \t]+", re.MULTILINE), ""),  # lists; a numbered one keeps its number
    (re.compile(r"~~|`+|\|\|"), ""),
    # Emphasis, seen by its place rather than in pairs: `2*3`, `2 * 3` and `snake_case` are no emphasis.
    (re.compile(r"(?<![A-Za-z0-9])\*+(?=\S)|(?<=\S)\*+(?![A-Za-z0-9])|(?<=[^\W\d])\*\*+(?=[^\W\d])"), ""),
    (re.compile(r"(?<!\w)_+(?=\S)|(?<=[^\s_])_+(?!\w)"), ""),
)


def _token(found: re.Match[str]) -> str:
    """Say one piece of mark-up."""
    kind, content = found.lastgroup, found.group(found.lastgroup or 0)
    match kind:
        case "fence":
            return f"\n{content.translate(_LITERAL)}\n"
        case "code" | "escaped":
            return content.translate(_LITERAL)
        case "label":
            return _TOKENS.sub(_token, content)  # a spoiler in a label is one still
        case "spoiler":
            return " "
        case "url":
            link = content.rstrip(".,;:!?)]}'\"»*_~|")
            return _stand_in(SOME_LINK) + content[len(link) :]
        case "emoji":
            return _stand_in(content.replace("_", " "))
        case "command":
            return _stand_in(content)
        case "all":
            return _stand_in(content.lower())
    return _stand_in(_STANDING_IN[kind or ""])


_STANDING_IN: Final = {
    "member": SOMEONE,
    "role": SOME_ROLE,
    "channel": SOME_CHANNEL,
    "place": SOME_CHANNEL,
    "time": SOME_TIME,
    "quiet": SOME_LINK,
}


def _stand_in(words: str) -> str:
    return f"{_OPEN}{words.translate(_LITERAL)}{_CLOSE}"


def _plain_characters(text: str) -> str:
    """Take out what is no character to a voice: controls, invisible formatting, private use, halves of pairs."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n\n")
    return "".join(
        character
        for character in text
        if character in "\n\t" or character in _JOINERS or unicodedata.category(character)[0] != "C"
    )


def _tidy(text: str) -> str:
    """Close the gaps that marks leave behind."""
    text = re.sub(r"[^\S\n]+", " ", text)
    text = re.sub(r" ?\n ?", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()
