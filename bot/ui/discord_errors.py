"""What Discord answered to a request that it refused, in words for the log: no id, no token, nothing that was sent."""

import re
from typing import Final

import discord

# An id, or the token of an interaction or a webhook; the names in Discord's addresses are letters, `@` and `-`.
_OWN: Final = re.compile(r"/(?=[^/]*[0-9_.]|[^/]{33})(?!(?:v[0-9]{1,2}|oauth2)(?:/|$))[^/]+")


def said_by_discord(error: discord.HTTPException) -> str:
    """Return the request, the status and Discord's own code, such as `PUT /applications/:id/commands: status 400`."""
    told = f"status {error.status}" + (f", code {error.code}" if error.code else "")
    response = error.response
    url = getattr(response, "url", None)
    if url is None:
        return told
    return f"{response.method} {_OWN.sub('/:id', url.path)}: {told}"
