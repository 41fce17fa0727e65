"""Lists that fit a message."""

from collections.abc import Sequence

# resources/message: `content` of bots and webhooks.
MESSAGE_LIMIT = 2000


def fit(lines: Sequence[str], *, more: str) -> str:
    """Join as many whole `lines` as one message takes; where some are left out, `more` says so in the last line."""
    text = "\n".join(lines)
    if len(text) <= MESSAGE_LIMIT:
        return text
    kept: list[str] = []
    room = MESSAGE_LIMIT - len(more)
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join([*kept, more])
