"""What the tests of the history store, and who asks for it."""

from collections.abc import Awaitable, Callable

from bot.clock import unix_ms
from bot.context import Permission
from tests.support.clock import NOON
from tests.support.requests import make_requester
from tests.support.turns import ANN, make_turn

Say = Callable[..., Awaitable[int | None]]

TURN = make_turn(asked_at_ms=unix_ms(NOON) - 1000, created_at_ms=unix_ms(NOON))

ANNA = make_requester(ANN, "Ann", permissions={Permission.READ_MESSAGE_HISTORY, Permission.MANAGE_MESSAGES})
