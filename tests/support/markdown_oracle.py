"""Says whether messages show a markdown text: all of it, once, with every code fence closed.

Knows nothing of how the bot cuts: `markdown-it-py` reads the fences, and the words are compared by themselves.
"""

import re

from markdown_it import MarkdownIt

# Discord knows neither raw HTML nor link definitions, so neither may hide a fence; and it has no limit of nesting.
_READER = MarkdownIt("commonmark", {"maxNesting": 10_000}).disable(["html_block", "reference"])

_FENCE_START = re.compile(r"[> ]*(?:`{3,}|~{3,})[\w+\-.#]*")
_FENCE_END = re.compile(r"[> ]*(?:`{3,}|~{3,})")


def squeeze(text: str) -> str:
    """Take all white space out of a text."""
    return "".join(text.split())


def has_open_fence(message: str) -> bool:
    """Whether a fence is still open where `message` ends."""
    lines = message.count("\n") + 1
    fences = [token for token in _READER.parse(message + "\n") if token.type == "fence"]
    if not fences or fences[-1].map is None:
        return False
    first, end = fences[-1].map
    # A closed fence has two lines that are not its content, an open one has one.
    return end == lines and fences[-1].content.count("\n") == end - first - 1


def is_only_a_fence(message: str) -> bool:
    """Whether there is nothing but one empty fence in `message`."""
    tokens = _READER.parse(message)
    return [token.type for token in tokens] == ["fence"] and not tokens[0].content.strip()


def shows_whole(messages: list[str], text: str) -> bool:
    """Whether `messages`, one after another, are `text` but for white space and fence lines added at their edges."""
    return furthest_match(messages, text) == len(squeeze(text))


def furthest_match(messages: list[str], text: str) -> int | None:
    """Tell how far into `squeeze(text)` the messages lead, or None when one of them does not go on from there."""
    whole = squeeze(text)
    reached = {0}
    for message in messages:
        bodies = {squeeze(body) for body in _without_added_fences(message)}
        reached = {at + len(body) for at in reached for body in bodies if whole.startswith(body, at)}
    return max(reached, default=None)


def _without_added_fences(message: str) -> list[str]:
    """List what `message` may be without a fence line at its beginning, at its end, at both, at neither."""
    bodies = [message]
    first, _, rest = message.partition("\n")
    if _FENCE_START.fullmatch(first):
        bodies.append(rest)
    for body in list(bodies):
        front, _, last = body.rpartition("\n")
        if _FENCE_END.fullmatch(last):
            bodies.append(front)
    return bodies
