"""What is refused in a message: said once, taken back after a moment, and then only shown until it is over."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.discord_ui.context import ChannelPermissions
from bot.discord_ui.replies import CANNOT_WRITE, DELETE_AFTER_S, PLEASE_WAIT, ReplyErrors
from bot.errors import AccessDenied, InvalidOption, QueueFull, QuotaExceeded, UserError, UserRateLimited
from bot.messages.message import plain
from bot.messages.render import render
from bot.tasks import BackgroundTasks
from tests.support.clock import FakeClock, settle


@dataclass
class Answer:
    """As much of the answer to a message as a refusal needs; what it says and shows is kept."""

    author_id: int = 1
    permissions: ChannelPermissions = field(default_factory=ChannelPermissions)
    said: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)
    undeletable: int | None = None

    @property
    def message(self) -> Any:
        return SimpleNamespace(author=SimpleNamespace(id=self.author_id), add_reaction=self._react)

    @property
    def channel(self) -> Any:
        return SimpleNamespace(id=7, get_partial_message=lambda number: SimpleNamespace(delete=self._deleter(number)))

    @property
    def output(self) -> Any:
        return SimpleNamespace(message_ids=tuple(range(len(self.said))))

    async def tell(self, error: UserError) -> bool:
        self.said.append(render(error.message))
        return True

    async def _react(self, emoji: str) -> None:
        self.shown.append(emoji)

    def _deleter(self, number: int) -> Any:
        async def delete() -> None:
            if number == self.undeletable:
                raise OSError
            self.deleted.append(number)

        return delete


@pytest.fixture
def errors(clock: FakeClock) -> ReplyErrors:
    return ReplyErrors(clock, BackgroundTasks())


def spent(clock: FakeClock, rule: str = "a rule", hours: int = 1) -> QuotaExceeded:
    return QuotaExceeded(plain("Nothing left."), resets_at=clock.now() + timedelta(hours=hours), limit_key=rule)


async def refuse(errors: ReplyErrors, refusal: UserError, **who: Any) -> Answer:
    answer = Answer(**who)
    await errors.refuse(answer, refusal)  # type: ignore[arg-type]
    return answer


async def test_it_is_deleted_after_fifteen_seconds(clock: FakeClock, errors: ReplyErrors) -> None:
    answer = await refuse(errors, spent(clock))
    assert answer.said == ["Nothing left."]
    await clock.advance(DELETE_AFTER_S - 1)
    assert answer.deleted == []
    await clock.advance(1)
    assert answer.deleted == [0]


async def test_where_the_connection_breaks_the_others_are_deleted_all_the_same(
    clock: FakeClock, errors: ReplyErrors
) -> None:
    answer = await refuse(errors, spent(clock))
    answer.said.append("A second message")
    answer.undeletable = 0
    await clock.advance(DELETE_AFTER_S)
    assert answer.deleted == [1]


async def test_until_the_limit_resets_there_is_only_a_reaction(clock: FakeClock, errors: ReplyErrors) -> None:
    await refuse(errors, spent(clock))
    await clock.advance(3599)
    again = await refuse(errors, spent(clock))
    assert (again.said, again.shown) == ([], [PLEASE_WAIT])
    await clock.advance(1)
    assert (await refuse(errors, spent(clock))).said == ["Nothing left."]


async def test_each_member_and_each_limit_has_a_reply_of_its_own(clock: FakeClock, errors: ReplyErrors) -> None:
    await refuse(errors, spent(clock))
    assert (await refuse(errors, spent(clock), author_id=2)).said
    assert (await refuse(errors, spent(clock, "another rule"))).said
    assert (await refuse(errors, UserRateLimited(until=clock.now() + timedelta(seconds=9)))).said
    assert (await refuse(errors, AccessDenied("no", message=plain("Not here.")))).said == ["Not here."]
    assert (await refuse(errors, AccessDenied("no", message=plain("Not here.")))).said == []
    assert (await refuse(errors, QueueFull())).said


async def test_other_errors_are_shown_each_time_and_stay(clock: FakeClock, errors: ReplyErrors) -> None:
    for _ in range(2):
        answer = await refuse(errors, InvalidOption("no", message=plain("That won't do.")))
        assert answer.said == ["That won't do."]
        await clock.advance(60)
        assert answer.deleted == []


@pytest.mark.parametrize(("may_react", "shown"), [(True, [CANNOT_WRITE]), (False, [])])
async def test_where_it_may_not_write_it_shows_so_if_it_may(
    clock: FakeClock, errors: ReplyErrors, may_react: bool, shown: list[str]
) -> None:
    answer = await refuse(errors, spent(clock), permissions=ChannelPermissions(write=False, react=may_react))
    assert (answer.said, answer.shown) == ([], shown)
    assert (await refuse(errors, spent(clock))).said  # elsewhere it has not been told yet


async def test_at_shutdown_everything_is_deleted_at_once(clock: FakeClock) -> None:
    tasks = BackgroundTasks()
    errors = ReplyErrors(clock, tasks)
    answer = await refuse(errors, spent(clock))
    await settle()
    errors.close()
    await asyncio.wait_for(tasks.close(5), 5)
    assert answer.deleted == [0]
