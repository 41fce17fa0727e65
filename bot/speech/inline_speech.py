"""The mark-up within a text, for the ear: from what was typed, or from a line of an answer, to the words that are said.

Discord's mark-up is written for the eye. Marks are dropped, what they mark is kept, and what only a screen can show (a
mention, a link) becomes the nearest word for it. Hidden text stays hidden: what is behind a spoiler is not said.

While marks are being read, characters that are meant literally are protected as private-use ones, and words that
replace something a voice cannot say are marked; `restore_protected` turns all of that into a text. Nothing that people
write keeps private-use characters (see `keep_speakable`), so these mean nothing else. Complete spans are distinguished
from those that are still being written.
"""

import re
import unicodedata
from typing import Final

from bot.errors import NoSpeakableText
from bot.speech.latex import latex_to_words

A_MEMBER: Final = "someone"
A_ROLE: Final = "a group"
A_CHANNEL: Final = "a channel"
A_TIME: Final = "a time"
A_LINK: Final = "a link"

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

_SUBSTITUTES: Final = {
    "member": A_MEMBER,
    "role": A_ROLE,
    "channel": A_CHANNEL,
    "place": A_CHANNEL,
    "time": A_TIME,
    "quiet": A_LINK,
}

_PROTECTED: Final = {ord(mark): 0xE000 + index for index, mark in enumerate("\\*_~|`#>-+[]()<:@&!/")}
# A white space and everything that may end a sentence or a clause.
_KEPT_TOGETHER: Final = {ord(mark): 0xE040 + index for index, mark in enumerate(" .!?…‽؟۔।॥։。！？｡,;،؛–—，、；：")}
_SUBSTITUTE_START, _SUBSTITUTE_END = (
    "\ue100",
    "\ue101",
)  # around words that stand in for something else, and are not the member's own
_RESTORED: Final = {waiting: chr(mark) for table in (_PROTECTED, _KEPT_TOGETHER) for mark, waiting in table.items()} | {
    ord(_SUBSTITUTE_START): None,
    ord(_SUBSTITUTE_END): None,
}
_SUBSTITUTE: Final = re.compile(f"{_SUBSTITUTE_START}[^{_SUBSTITUTE_END}]*{_SUBSTITUTE_END}")

_JOINERS: Final = frozenset("\u200c\u200d")  # they shape Persian and Indic words, and tie emoji together


def format_markup(kind: str | None, content: str) -> str:
    """Return what is said of mark-up; `kind` is its group in the expressions above. Labels are left to the caller."""
    match kind:
        case "escaped":
            return protect_literal(content)
        case "spoiler":
            return " "
        case "url":
            link = content.rstrip(".,;:!?)]}'\"»*_~|")
            return mark_substitute(A_LINK) + content[len(link) :]
        case "emoji":
            return mark_substitute(content.replace("_", " "))
        case "command":
            return mark_substitute(content)
        case "all":
            return mark_substitute(content.lower())
    return mark_substitute(_SUBSTITUTES[kind or ""])


def protect_literal(text: str) -> str:
    """Return `text` with what looks like marks protected from being taken for some."""
    return text.translate(_PROTECTED)


def keep_together(text: str) -> str:
    """Return `text` protected from being cut anywhere in it."""
    return text.translate(_KEPT_TOGETHER)


def mark_substitute(words: str) -> str:
    """Return `words` marked as a substitute for something that cannot be said."""
    return f"{_SUBSTITUTE_START}{keep_together(protect_literal(words))}{_SUBSTITUTE_END}"


def strip_substitutes(text: str) -> str:
    """Return `text` without the substitutes."""
    return _SUBSTITUTE.sub("", text)


def restore_protected(text: str) -> str:
    """Return `text` with everything protected as what it means."""
    return text.translate(_RESTORED)


def keep_speakable(text: str) -> str:
    """Return `text` without controls, invisible formatting, private use and lone surrogates: no voice says those."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n\n")
    return "".join(
        character
        for character in text
        if character in "\n\t" or character in _JOINERS or unicodedata.category(character)[0] != "C"
    )


_LIMIT: Final = 400
"""Characters after which the beginning of a span is read as plain text."""

_MAX_SPOILER_LENGTH: Final = 2000
"""The same for spoilers: no message of Discord's is longer, so that nothing would be hidden."""

_INLINE_TAGS: Final = "b|big|cite|code|del|em|font|i|ins|kbd|mark|q|s|samp|small|span|strike|strong|sub|sup|tt|u|var"
_OTHER_TAGS: Final = (
    "a|br|center|details|div|h[1-6]|hr|img|li|ol|p|summary|table|tbody|td|tfoot|th|thead|tr|ul|abbr|wbr"
)

# No formula or comment begins within another: looking for the end of each of many would take long.
# `||` is a spoiler wherever Discord does not see code, in what other programs would take for a formula too.
_COMPLETE: Final = rf"""
      (?<!`)(?P<ticks>`+)(?!`)(?P<code>[^\n]{{1,{_LIMIT}}}?)(?<!`)(?P=ticks)(?!`)
    | \$\$(?P<block>(?:(?!\|\|)[^$]){{1,{_LIMIT}}})\$\$
    | \\\[(?P<display>(?:(?!\|\||\\\]|(?<!\\)\\\[).){{1,{_LIMIT}}})\\\]
    | \\\((?P<inline>(?:(?!\|\||\\[()])[^\n]){{1,{_LIMIT}}})\\\)
    | \$(?=[^\s$\d])(?P<dollars>(?:(?!\|\|)[^$\n]){{0,{_LIMIT}}}(?<![\s\\]))\$(?!\d)
    | \$(?P<number>\d(?:(?!\|\|)[^\s$])*)\$(?!\d)
    | {SPOILER} | {LABEL} | {NAMED}
    | (?P<note>\[\^[^\[\]|\s]{{1,40}}\]:?|【[^【】|\n]{{1,80}}】)
    | <!--(?P<comment>(?:(?!\|\||<!--).){{0,{_LIMIT}}}?)-->
    | </?(?P<tag>{_INLINE_TAGS})\b[^<>|\n]{{0,{_LIMIT}}}>
    | </?(?P<block_tag>{_OTHER_TAGS})\b[^<>|\n]{{0,{_LIMIT}}}>
"""

_PARTIAL_ADDRESS: Final = r"[^\s()]{0,2000}(?:\([^\s()]{0,400}\)[^\s()]{0,400}){0,9}"

# The beginning of a span, up to the end of what there is. Spans without white space in them need no word here: nothing
# is read before the white space behind it is there.
_PARTIAL: Final = rf"""
      (?<!`)`+[^\n]{{0,{_LIMIT}}}\Z
    | \|\|.{{0,{_MAX_SPOILER_LENGTH}}}\Z
    | \$\$(?:(?!\|\|)[^$]){{0,{_LIMIT}}}\$?\Z
    | \\\[(?:(?!\|\||\\\]|(?<!\\)\\\[).){{0,{_LIMIT}}}\Z
    | \\\((?:(?!\|\||\\[()])[^\n]){{0,{_LIMIT}}}\Z
    | \$[^\s$\d](?:(?!\|\|)[^$\n]){{0,{_LIMIT}}}\Z
    | !?\[[^\[\]\n]{{0,{_LIMIT}}}(?:\](?:\({_PARTIAL_ADDRESS}
        (?:[^\S\n]{{1,{_LIMIT}}}(?:"[^"\n]{{0,{_LIMIT}}}"?)?)?)?)?\Z
    | </[^<>:|\n]{{0,110}}\Z
    | <!--(?:(?!\|\||<!--).){{0,{_LIMIT}}}\Z
    | </?(?:{_INLINE_TAGS}|{_OTHER_TAGS})\b[^<>|\n]{{0,{_LIMIT}}}\Z
    | 【[^【】|\n]{{0,80}}\Z
"""

_FLAGS: Final = re.VERBOSE | re.DOTALL | re.IGNORECASE
# An escape comes last: `\[` may begin a formula.
_SPANS: Final = re.compile(f"{_COMPLETE} | {ESCAPED}", _FLAGS)
_SPANS_IN_LINE: Final = re.compile(rf"{_COMPLETE} | {ESCAPED} | (?P<line_end>\n)", _FLAGS)
_SPANS_AND_BEGINNINGS: Final = re.compile(
    rf"{_COMPLETE} | (?P<begun>{_PARTIAL}) | {ESCAPED} | (?P<line_end>\n)", _FLAGS
)

_SPOILER: Final = re.compile(SPOILER)
_EMOJI: Final = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2300-\u23ff\u25a0-\u25ff\u3030\u303d\u3297\u3299]"
    "[\ufe0e\ufe0f\u200d\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
    "|[\ufe0e\ufe0f\u20e3]"
)
_SIGNS: Final = (
    (re.compile(r"(?<!\S)(?:-{1,2}>|→|⟶|➡️?)(?!\S)"), "to"),
    (re.compile(r"(?<!\S)\|(?!\S)"), ","),
    (re.compile(r"\\(?!\S)"), ""),  # a line end that Markdown would keep
)
_MATH: Final = re.compile(r"[\\^_={}<>]|^[^\W\d_]{1,2}'*$|^[^\W\d_]\([^()]*\)$")
_LAST_STOPS: Final = ".!?…。！？"


def format_inline(text: str) -> str:
    """Return what is heard of a text with marks; a span that is not complete is no span."""
    marked = _SPANS.sub(_format_span, text)
    for signs, words in _SIGNS:
        marked = signs.sub(words, marked)
    marked = _EMOJI.sub("", marked)
    for marks, left in EMPHASIS:
        marked = marks.sub(left, marked)
    return marked


def mask_spans(text: str, *, whole: bool) -> tuple[str, int]:
    """Return the first line of `text` with its spans blotted out, and where the first one begins that is not whole yet.

    A line end within a span is part of the line. Where all spans are whole, the length of the line is given.
    `whole` tells whether nothing comes after `text`, so that nothing more becomes whole.
    """
    seen: list[str] = []
    at, end = 0, len(text)
    for found in (_SPANS_IN_LINE if whole else _SPANS_AND_BEGINNINGS).finditer(text):
        if found.lastgroup == "line_end":
            return "".join(seen) + text[at : found.end()], found.end()
        if found.lastgroup == "begun":
            end = found.start()
            break
        seen += text[at : found.start()], "x" * len(found[0])
        at = found.end()
    return "".join(seen) + text[at:], end


def _format_span(found: re.Match[str]) -> str:
    """Return what is said of one span."""
    kind, content = found.lastgroup, found.group(found.lastgroup or 0)
    match kind:
        case "code":
            # Discord is of another opinion about what is code now and then, and what it hides is never said.
            return keep_together(protect_literal(_SPOILER.sub(" ", content).strip()))
        case "block" | "display" | "inline" | "number":
            return keep_together(protect_literal(latex_to_words(content)))
        case "dollars":
            return (
                keep_together(protect_literal(latex_to_words(content)))
                if _MATH.search(content)
                else f"${format_inline(content)}$"
            )
        case "label":
            words = format_inline(content)  # a spoiler in a label is one still
            end = len(words.rstrip(_LAST_STOPS))
            return keep_together(words[:end]) + words[end:]
        case "note" | "comment" | "tag":
            return ""
        case "block_tag" | "emoji":
            return " "
    return format_markup(kind, content)


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
