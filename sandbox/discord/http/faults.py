"""Faults of the HTTP API on request."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.discord.http.endpoints import Response

When = Callable[[Any], object]
"""Returns whether a request with this JSON body gets the fault."""


@dataclass(frozen=True, slots=True)
class HttpFault:
    """A response with an error status, or with None a reset connection.

    With `applied` the request takes effect, and only its response is lost.
    """

    status: int | None = None
    code: int = 0
    applied: bool = False

    @property
    def response(self) -> Response:
        """The response in place of the real one."""
        status = self.status or 500
        return Response(status, {"message": f"{status}: a fault on request", "code": self.code})


class InjectedFault(Exception):
    """Raised where a request gets a fault."""

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
    """The faults of later requests."""

    def __init__(self) -> None:
        self._orders: list[_Order] = []

    def next(self, method: str, path: str, trouble: HttpFault, *, times: int = 1, when: When | None = None) -> None:
        """Let the next `times` matching requests get a fault.

        Args:
            method: their method, or `*` for any.
            path: what their path contains.
            when: accepts their body.
        """
        self._orders.append(_Order(method, path, trouble, when, times))

    def clear(self) -> None:
        """Let no more requests get a fault."""
        self._orders.clear()

    @property
    def waiting(self) -> int:
        """How many faults are still to come."""
        return sum(order.left for order in self._orders)

    def take(self, method: str, path: str, body: Any) -> HttpFault | None:  # Any: a JSON value
        """Return the fault of this request and count it."""
        for order in self._orders:
            if order.is_for(method, path, body):
                order.left -= 1
                if not order.left:
                    self._orders.remove(order)
                return order.trouble
        return None
