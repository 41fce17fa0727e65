"""What an endpoint of the stand-in is, and what a request brings to it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.discord.validation.message import Upload


@dataclass(frozen=True, slots=True)
class Request:
    """A request that passed the door: its path's parts, its query, its JSON body and its files."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any  # Any: a JSON value
    uploads: Sequence[Upload]

    def id(self, name: str) -> int:
        """Return an id out of the path; 0, which nothing has, where it is not a number."""
        text = self.path[name]
        return int(text) if text.isdecimal() else 0

    def flag(self, name: str) -> bool:
        """Return a yes or no out of the query."""
        return self.query.get(name, "").lower() in ("1", "true")


@dataclass(frozen=True, slots=True)
class Response:
    """A status and a JSON body; None for none."""

    status: int = 200
    body: Any = None  # Any: a JSON value


NO_CONTENT = Response(204)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route.

    `template` is as in Discord's OpenAPI description. `bucket` names its rate, `major` the path parts that give a
    bucket of its own. `open` endpoints ask for no bot token; `exempt` ones do not count towards 50 requests a second.
    """

    method: str
    template: str
    handler: Callable[[Request], Awaitable[Response]]
    bucket: str = "other"
    major: tuple[str, ...] = ()
    open: bool = False
    exempt: bool = False
