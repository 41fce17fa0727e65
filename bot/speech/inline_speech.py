"""What stands within the lines of an answer, for the ear: code and links in one piece, formulas in words, no emoji.

Whole spans can be told from those that are still being written. What comes out waits as `bot.speech.markup_tokens`
says.
"""

import re
from typing import Final

from bot.speech.latex import spoken
from bot.speech.markup_tokens import EMPHASIS, ESCAPED, LABEL, NAMED, SPOILER, literal, said, undivided

_REACH: Final = 400
"""Characters after which the beginning of a span is taken for what it says."""

_SPOILER_REACH: Final = 2000
"""The same for spoilers: no message of Discord's is longer, so that nothing would be hidden."""

_INLINE_TAGS: Final = "b|big|cite|code|del|em|font|i|ins|kbd|mark|q|s|samp|small|span|strike|strong|sub|sup|tt|u|var"
_OTHER_TAGS: Final = (
    "a|br|center|details|div|h[1-6]|hr|img|li|ol|p|summary|table|tbody|td|tfoot|th|thead|tr|ul|abbr|wbr"
)

# No formula or comment begins within another: looking for the end of each of many would take long.
# `||` is a spoiler wherever Discord does not see code, in what other programs would take for a formula too.
_WHOLE: Final = rf"""
      (?<!`)(?P<ticks>`+)(?!`)(?P<code>[^\n]{{1,{_REACH}}}?)(?<!`)(?P=ticks)(?!`)
    | \$\$(?P<block>(?:(?!\|\|)[^$]){{1,{_REACH}}})\$\$
    | \\\[(?P<display>(?:(?!\|\||\\\]|(?<!\\)\\\[).){{1,{_REACH}}})\\\]
    | \\\((?P<inline>(?:(?!\|\||\\[()])[^\n]){{1,{_REACH}}})\\\)
    | \$(?=[^\s$\d])(?P<dollars>(?:(?!\|\|)[^$\n]){{0,{_REACH}}}(?<![\s\\]))\$(?!\d)
    | \$(?P<number>\d(?:(?!\|\|)[^\s$])*)\$(?!\d)
    | {SPOILER} | {LABEL} | {NAMED}
    | (?P<note>\[\^[^\[\]|\s]{{1,40}}\]:?|【[^【】|\n]{{1,80}}】)
    | <!--(?P<comment>(?:(?!\|\||<!--).){{0,{_REACH}}}?)-->
    | </?(?P<tag>{_INLINE_TAGS})\b[^<>|\n]{{0,{_REACH}}}> | </?(?P<block_tag>{_OTHER_TAGS})\b[^<>|\n]{{0,{_REACH}}}>
"""

_ADDRESS_BEGUN: Final = r"[^\s()]{0,2000}(?:\([^\s()]{0,400}\)[^\s()]{0,400}){0,9}"

# The beginning of a span, up to the end of what there is. Spans without white space in them need no word here: nothing
# is read before the white space behind it is there.
_BEGUN: Final = rf"""
      (?<!`)`+[^\n]{{0,{_REACH}}}\Z
    | \|\|.{{0,{_SPOILER_REACH}}}\Z
    | \$\$(?:(?!\|\|)[^$]){{0,{_REACH}}}\$?\Z
    | \\\[(?:(?!\|\||\\\]|(?<!\\)\\\[).){{0,{_REACH}}}\Z
    | \\\((?:(?!\|\||\\[()])[^\n]){{0,{_REACH}}}\Z
    | \$[^\s$\d](?:(?!\|\|)[^$\n]){{0,{_REACH}}}\Z
    | !?\[[^\[\]\n]{{0,{_REACH}}}(?:\](?:\({_ADDRESS_BEGUN}(?:[^\S\n]{{1,{_REACH}}}(?:"[^"\n]{{0,{_REACH}}}"?)?)?)?)?\Z
    | </[^<>:|\n]{{0,110}}\Z
    | <!--(?:(?!\|\||<!--).){{0,{_REACH}}}\Z
    | </?(?:{_INLINE_TAGS}|{_OTHER_TAGS})\b[^<>|\n]{{0,{_REACH}}}\Z
    | 【[^【】|\n]{{0,80}}\Z
"""

_FLAGS: Final = re.VERBOSE | re.DOTALL | re.IGNORECASE
# An escape comes last: `\[` may begin a formula.
_SPANS: Final = re.compile(f"{_WHOLE} | {ESCAPED}", _FLAGS)
_SPANS_IN_LINE: Final = re.compile(rf"{_WHOLE} | {ESCAPED} | (?P<line_end>\n)", _FLAGS)
_SPANS_AND_BEGINNINGS: Final = re.compile(rf"{_WHOLE} | (?P<begun>{_BEGUN}) | {ESCAPED} | (?P<line_end>\n)", _FLAGS)

_HIDDEN: Final = re.compile(SPOILER)
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
_MATHS: Final = re.compile(r"[\\^_={}<>]|^[^\W\d_]{1,2}'*$|^[^\W\d_]\([^()]*\)$")
_LAST_STOPS: Final = ".!?…。！？"


def heard(text: str) -> str:
    """Turn a text with its marks into what is heard of it; a span that is not whole is no span."""
    marked = _SPANS.sub(_span, text)
    for signs, words in _SIGNS:
        marked = signs.sub(words, marked)
    marked = _EMOJI.sub("", marked)
    for marks, left in EMPHASIS:
        marked = marks.sub(left, marked)
    return marked


def masked(text: str, *, whole: bool) -> tuple[str, int]:
    """Give the first line of `text` with its spans blotted out, and where the first one begins that is not whole yet.

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


def _span(found: re.Match[str]) -> str:
    """Say one span."""
    kind, content = found.lastgroup, found.group(found.lastgroup or 0)
    match kind:
        case "code":
            # Discord is of another opinion about what is code now and then, and what it hides is never said.
            return undivided(literal(_HIDDEN.sub(" ", content).strip()))
        case "block" | "display" | "inline" | "number":
            return undivided(literal(spoken(content)))
        case "dollars":
            return undivided(literal(spoken(content))) if _MATHS.search(content) else f"${heard(content)}$"
        case "label":
            words = heard(content)  # a spoiler in a label is one still
            end = len(words.rstrip(_LAST_STOPS))
            return undivided(words[:end]) + words[end:]
        case "note" | "comment" | "tag":
            return ""
        case "block_tag" | "emoji":
            return " "
    return said(kind, content)
