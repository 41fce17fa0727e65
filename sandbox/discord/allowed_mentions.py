"""Whom a message notifies, by Discord's rules for `allowed_mentions`."""

import re
from dataclasses import dataclass

from sandbox.discord.errors import bad_choice, bad_type, invalid_form, too_long
from sandbox.discord.messages import Pings
from sandbox.json_object import Json

MOST_IDS = 100
KINDS = ("users", "roles", "everyone")

_USER = re.compile(r"<@!?(\d+)>")
_ROLE = re.compile(r"<@&(\d+)>")
_EVERYONE = re.compile(r"@(?:everyone|here)\b")


@dataclass(frozen=True, slots=True)
class AllowedMentions:
    """Which mentions in a message notify; None for `users` or `roles` means all of them."""

    users: frozenset[int] | None = frozenset()
    roles: frozenset[int] | None = frozenset()
    everyone: bool = False
    replied_user: bool = False


ANYONE = AllowedMentions(users=None, roles=None, everyone=True, replied_user=True)
"""The default of ordinary messages."""

USERS_ONLY = AllowedMentions(users=None)
"""The default of interaction and webhook messages."""


def find_pings(text: str, allowed: AllowedMentions) -> Pings:
    """Return whom `text` notifies under `allowed`, permissions not considered."""
    users = frozenset(map(int, _USER.findall(text)))
    roles = frozenset(map(int, _ROLE.findall(text)))
    return Pings(
        users if allowed.users is None else users & allowed.users,
        roles if allowed.roles is None else roles & allowed.roles,
        allowed.everyone and _EVERYONE.search(text) is not None,
    )


def parse_allowed_mentions(body: Json, fallback: AllowedMentions) -> AllowedMentions:
    """Return the `allowed_mentions` of a message body.

    Raises:
        DiscordError: they are invalid.
    """
    given = body.get("allowed_mentions")
    if given is None:
        return fallback
    if not isinstance(given, dict):
        raise bad_type("allowed_mentions", "a dictionary")
    kinds = given.get("parse") or []
    if not isinstance(kinds, list):
        raise bad_type("allowed_mentions.parse", "a list")
    for index, kind in enumerate(kinds):
        if kind not in KINDS:
            raise bad_choice(f"allowed_mentions.parse.{index}", KINDS)
    chosen: dict[str, frozenset[int] | None] = {}
    for kind in ("users", "roles"):
        ids = _ids(given, kind)
        if kind in kinds and ids:
            raise invalid_form(
                "allowed_mentions",
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.',
            )
        chosen[kind] = None if kind in kinds else ids
    return AllowedMentions(
        chosen["users"], chosen["roles"], "everyone" in kinds, bool(given.get("replied_user", False))
    )


def _ids(given: Json, kind: str) -> frozenset[int]:
    ids = given.get(kind) or []
    if not isinstance(ids, list):
        raise bad_type(f"allowed_mentions.{kind}", "a list")
    if len(ids) > MOST_IDS:
        raise too_long(f"allowed_mentions.{kind}", MOST_IDS)
    for index, value in enumerate(ids):
        if not str(value).isdigit():
            raise invalid_form(
                f"allowed_mentions.{kind}.{index}", "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.'
            )
    return frozenset(int(value) for value in ids)
