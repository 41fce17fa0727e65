"""What can go wrong on request between the bot and Discord's stand-in, and for which requests it shall."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.discord.http.endpoints import Response

When = Callable[[Any], object]
"""Looks at a request's JSON body and says whether trouble is meant for it."""


@dataclass(frozen=True, slots=True)
class HttpFault:
    """A request meets a status in place of its answer, or with None a reset connection.

    `applied`: it is carried out all the same, and only its answer is lost.
    """

    status: int | None = None
    code: int = 0
    applied: bool = False

    @property
    def response(self) -> Response:
        """What is said in place of the answer."""
        status = self.status or 500
        return Response(status, {"message": f"{status}: trouble, as asked for", "code": self.code})


class InjectedFault(Exception):
    """A request met trouble."""

    def __init__(self, trouble: HttpFault) -> None:
        super().__init__(str(trouble))
        self.trouble = trouble


@dataclass(slots=True)
class _Order:
    method: str
    path: str
    trouble: HttpFault
    when: When | None
    left: int

    def is_for(self, method: str, path: str, body: Any) -> bool:  # Any: a JSON value
        return self.method in ("*", method) and self.path in path and (self.when is None or bool(self.when(body)))


class HttpFaults:
    """Which trouble the coming requests meet."""

    def __init__(self) -> None:
        self._orders: list[_Order] = []

    def next(self, method: str, path: str, trouble: HttpFault, *, times: int = 1, when: When | None = None) -> None:
        """Let the next `times` requests meet trouble.

        Args:
            method: those of this method, or `*` for any.
            path: those that have this in their path.
            when: those whose body it accepts.
        """
        self._orders.append(_Order(method, path, trouble, when, times))

    @property
    def waiting(self) -> int:
        """How much is still to come."""
        return sum(order.left for order in self._orders)

    def take(self, method: str, path: str, body: Any) -> HttpFault | None:  # Any: a JSON value
        """Return the trouble that this request meets."""
        for order in self._orders:
            if order.is_for(method, path, body):
                order.left -= 1
                if not order.left:
                    self._orders.remove(order)
                return order.trouble
        return None
