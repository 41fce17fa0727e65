"""Whose use a count is, as a number that tells nobody who it is.

Counts of members outlive the deletion of a member's data until they expire, so they never hold a member's id: only an
HMAC-SHA256 of it under a key made from the bot's token. With another token the counts of members begin anew.
"""

import hmac
from typing import Final

KEY_LABEL: Final = b"subjects of counts, 1"
"""What the key is for; another number makes another key."""

BITS: Final = 63
"""As many as a database's integer has without its sign."""


def key_from(token: str) -> bytes:
    """Make the key for `hashed` from the bot's token."""
    return hmac.digest(token.encode(), KEY_LABEL, "sha256")


def hashed(key: bytes, *words: str | int) -> int:
    """Give the number, from 0 to 2^63 - 1, that stands for `words` (a purpose and ids, without spaces) under `key`."""
    digest = hmac.digest(key, " ".join(map(str, words)).encode(), "sha256")
    return int.from_bytes(digest[:8]) >> (64 - BITS)


class UsageKeys:
    """The numbers under which members' use is counted, and their wish to be forgotten is kept."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def member(self, user_id: int) -> int:
        """Stand for a member wherever they are."""
        return hashed(self._key, "member", user_id)

    def member_here(self, guild_id: int, user_id: int) -> int:
        """Stand for a member in one server."""
        return hashed(self._key, "here", guild_id, user_id)

    def forgotten(self, user_id: int) -> int:
        """Stand for a member who had their data deleted."""
        return hashed(self._key, "forgotten", user_id)

    def direct(self, user_id: int) -> int:
        """Stand for a member's direct messages, which count as a server of their own."""
        return hashed(self._key, "direct", user_id)
