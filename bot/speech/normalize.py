"""From a text as typed to the words that are said.

Discord's mark-up is written for the eye. Marks are dropped, what they mark is kept, and what only a screen can show (a
mention, a link) becomes the nearest word for it. Hidden text stays hidden: what is behind a spoiler is not said.
"""

import re
import unicodedata
from typing import Final

from bot.errors import NoSpeakableText
from bot.speech.inline_speech import (
    EMPHASIS,
    ESCAPED,
    LABEL,
    NAMED,
    SPOILER,
    format_markup,
    keep_speakable,
    protect_literal,
    restore_protected,
    strip_substitutes,
)


def speakable_text(text: str) -> str:
    """Return the words of `text` that can be said, with its lines and paragraphs. Code is read as it is.

    Raises:
        NoSpeakableText: nothing of it is a word: only punctuation, emoji, mentions, bare links, spoilers or white
            space.
    """
    marked = _TOKENS.sub(_format_token, keep_speakable(text))
    for marks, replacement in (*_LINE_MARKS, *EMPHASIS):
        marked = marks.sub(replacement, marked)
    if not has_words(strip_substitutes(marked)):
        raise NoSpeakableText
    return _collapse_space(restore_protected(marked))


async def speakable_typed_text(text: str) -> str:
    """Return `speakable_text(text)`, as a `ToSpeakable`. It never waits: a text that a member types is short.

    Raises:
        NoSpeakableText: nothing of it is a word.
    """
    return speakable_text(text)


def has_words(text: str) -> bool:
    """Return whether a voice would have something to say: a letter or a number that is not an invisible filler."""
    return any(unicodedata.category(character)[0] in "LN" and character not in _FILLERS for character in text)


# Unicode calls these letters, and they show as nothing: Hangul fillers.
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0")

_TOKENS: Final = re.compile(
    rf"""
      ```(?:[A-Za-z0-9_+.\-#]*\n)?(?P<fence>.+?)```
    | (?P<ticks>``?)(?P<code>[^`]+)(?P=ticks)
    | {ESCAPED} | {SPOILER} | {LABEL} | {NAMED}
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)

_LINE_MARKS: Final = (
    (re.compile(r"^[ \t]*(?:>>>|>)[ \t]+", re.MULTILINE), ""),  # quotes
    (re.compile(r"^[ \t]*(?:-#|#{1,3})[ \t]+", re.MULTILINE), ""),  # headings, small print
    (re.compile(r"^[ \t]*[-*+][ \t]+", re.MULTILINE), ""),  # lists; a numbered one keeps its number
)


def _format_token(found: re.Match[str]) -> str:
    """Return what is said of one piece of mark-up."""
    kind, content = found.lastgroup, found.group(found.lastgroup or 0)
    match kind:
        case "fence":
            return f"\n{protect_literal(content)}\n"
        case "code":
            return protect_literal(content)
        case "label":
            return _TOKENS.sub(_format_token, content)  # a spoiler in a label is one still
    return format_markup(kind, content)


def _collapse_space(text: str) -> str:
    """Return `text` without the gaps that marks leave behind."""
    text = re.sub(r"[^\S\n]+", " ", text)
    text = re.sub(r" ?\n ?", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()
