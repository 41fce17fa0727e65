"""What a bot token looks like: three parts with dots between them, the first of which names the application."""

import base64
import binascii
import re

_PART = r"[A-Za-z0-9_-]+"


def application_of(token: str) -> int | None:
    """Return the application's id out of a token's first part, or None where it is no bot token."""
    if not re.fullmatch(rf"{_PART}={{0,2}}\.{_PART}\.{_PART}", token):
        return None
    first = token.partition(".")[0].rstrip("=")
    try:
        text = base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    return int(text) if re.fullmatch(r"[0-9]{15,20}", text) else None
