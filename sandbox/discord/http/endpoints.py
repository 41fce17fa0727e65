"""Endpoints of the HTTP API, and their requests and responses."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.discord.validation.message import Upload


@dataclass(frozen=True, slots=True)
class Request:
    """An authorized request: path parameters, query, JSON body and uploads."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any  # Any: a JSON value
    uploads: Sequence[Upload]

    def id(self, name: str) -> int:
        """Return an id from the path; 0, which no entity has, for anything but a number."""
        text = self.path[name]
        return int(text) if text.isdecimal() else 0

    def flag(self, name: str) -> bool:
        """Return a boolean from the query."""
        return self.query.get(name, "").lower() in ("1", "true")


@dataclass(frozen=True, slots=True)
class Response:
    """A status and a JSON body, None for no body."""

    status: int = 200
    body: Any = None  # Any: a JSON value


NO_CONTENT = Response(204)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route.

    `template` is as in Discord's OpenAPI description. `bucket` names its rate limit, `major` the path's major parts.
    `open` endpoints need no bot token; `exempt` ones do not count towards 50 requests a second.
    """

    method: str
    template: str
    handler: Callable[[Request], Awaitable[Response]]
    bucket: str = "other"
    major: tuple[str, ...] = ()
    open: bool = False
    exempt: bool = False
