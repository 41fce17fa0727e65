"""Limit N in each scope and kind, 5 times as many asks at once from two processes: exactly N are granted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from bot.context import RequestContext
from bot.errors import QuotaExceeded
from bot.guilds.quota_settings import QuotaSettings, Target
from bot.messages.render import render
from bot.quotas.ledger import Ledger, Reservation
from bot.quotas.usage import UsageReader
from bot.store.database import Database
from bot.store.open import open_database
from bot.store.quota_limits import Kind, Period, QuotaLimits, Scope
from cogs.usage import list_lines
from tests.support.clock import FakeClock
from tests.support.quotas import ANN, CHANNEL, GUILD, UNLIMITED, USAGE_KEYS, FakeProcess, requester

LIMIT = 8
MEMBERS = 10
ROLE = 801
TARGETS = {
    "server": (Scope.SERVER, Target()),
    "each channel": (Scope.CHANNEL, Target()),
    "one channel": (Scope.CHANNEL, Target(channel_id=CHANNEL)),
    "each member": (Scope.MEMBER, Target()),
    "one member": (Scope.MEMBER, Target(member_id=ANN)),
    "role": (Scope.ROLE, Target(role_id=ROLE)),
}


class Process:
    """What one process of the bot has for limits."""

    def __init__(self, database: Database, clock: FakeClock, name: str) -> None:
        self.ledger = Ledger(database, UNLIMITED, USAGE_KEYS, clock, process=FakeProcess(name))
        self.meter = UsageReader(database, UNLIMITED, USAGE_KEYS, clock)
        self.quotas = QuotaSettings(QuotaLimits(database), UNLIMITED, USAGE_KEYS, clock)


@pytest.fixture
async def processes(url: str, clock: FakeClock) -> AsyncIterator[list[Process]]:
    async with AsyncExitStack() as stack:
        yield [Process(await stack.enter_async_context(open_database(url)), clock, name) for name in ("one", "two")]


def askers(scope: str) -> list[RequestContext]:
    """The people who ask: one, where each has a limit of their own, else many; in a thread as in its channel."""
    members = 1 if "member" in scope or scope == "role" else MEMBERS
    return [requester(ANN + number, roles=[ROLE]) for number in range(members)]


async def rush(
    processes: list[Process], people: list[RequestContext], amounts: dict[Kind, int]
) -> tuple[list[Reservation], list[QuotaExceeded]]:
    """Let everybody ask at once, 5 times as often as the limit allows; give what was granted and the refusals."""
    outcomes = await asyncio.gather(
        *(processes[ask % 2].ledger.reserve(people[ask % len(people)], amounts) for ask in range(5 * LIMIT)),
        return_exceptions=True,
    )
    granted = [outcome for outcome in outcomes if isinstance(outcome, Reservation)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, QuotaExceeded)]
    assert len(granted) + len(refused) == len(outcomes)
    return granted, refused


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("scope", list(TARGETS))
async def test_exactly_as_many_as_the_limit_are_granted_and_all_three_places_agree(
    processes: list[Process], scope: str, kind: Kind
) -> None:
    one, two = processes
    moderated, target = TARGETS[scope]
    await one.quotas.set(requester(), moderated, kind, Period.HOUR, str(LIMIT), target)
    granted, refused = await rush(processes, askers(scope), {kind: 1})
    assert len(granted) == LIMIT

    again = {refusal.resets_at for refusal in refused}
    (line,) = [
        each
        for each in await two.meter.list_for_requester(requester(roles=[ROLE]))
        if each.limit.max_amount is not None
    ]
    (listed,) = (await two.quotas.list(requester())).limits
    assert (line.limit, line.used) == (listed, LIMIT)
    assert again == {line.resets_at} == {(await one.quotas.list(requester())).resets_at[Period.HOUR]}
    words = render(list_lines([line])[0])
    assert all(f"<t:{int(line.resets_at.timestamp())}:R>" in text for text in (words, render(refused[0].message)))

    await asyncio.gather(*(processes[0].ledger.release(each) for each in granted[:3]))
    further, _ = await rush(processes, askers(scope), {kind: 1})
    assert len(further) == 3


async def test_each_channel_and_each_member_has_the_whole_limit(processes: list[Process]) -> None:
    await processes[0].quotas.set(requester(), Scope.CHANNEL, Kind.MESSAGES, Period.DAY, str(LIMIT), Target())
    for channel_id in (CHANNEL, CHANNEL + 1):
        people = [requester(number, channel_id=channel_id) for number in range(1, MEMBERS)]
        granted, _ = await rush(processes, people, {Kind.MESSAGES: 1})
        assert len(granted) == LIMIT
    await processes[0].quotas.set(requester(), Scope.MEMBER, Kind.MESSAGES, Period.MONTH, "2", Target())
    people = [requester(number, channel_id=CHANNEL + 2) for number in (31, 32, 33)]
    granted, _ = await rush(processes, people, {Kind.MESSAGES: 1})
    assert len(granted) == 6


async def test_a_kinder_role_keeps_what_was_used_under_the_other(processes: list[Process]) -> None:
    quotas = processes[0].quotas
    await quotas.set(requester(), Scope.ROLE, Kind.IMAGES, Period.DAY, "2", Target(role_id=GUILD))
    await quotas.set(requester(), Scope.ROLE, Kind.IMAGES, Period.DAY, "5", Target(role_id=ROLE))
    assert len((await rush(processes, [requester()], {Kind.IMAGES: 1}))[0]) == 2
    promoted = requester(roles=[ROLE])
    granted, refused = await rush(processes, [promoted], {Kind.IMAGES: 1})
    assert len(granted) == 3
    assert render(refused[0].message).startswith(f"You've used your limit as <@&{ROLE}>: 5 images per day.")
    granted, refused = await rush(processes, [requester()], {Kind.IMAGES: 1})
    assert granted == []
    assert render(refused[0].message).startswith("You've used your limit as @everyone: 2 images per day.")


async def test_exemption_lasts_as_long_as_the_role_and_hides_no_use(processes: list[Process]) -> None:
    quotas, boss = processes[0].quotas, requester(roles=[ROLE])
    await quotas.set(requester(), Scope.MEMBER, Kind.IMAGES, Period.HOUR, "2", Target())
    await quotas.set(requester(), Scope.ROLE, Kind.IMAGES, Period.DAY, "unlimited", Target(role_id=ROLE))
    assert len((await rush(processes, [boss], {Kind.IMAGES: 1}))[0]) == 5 * LIMIT
    lines = list_lines(await processes[1].meter.list_for_requester(boss))
    assert f"- images: {5 * LIMIT} used, no limit" in map(render, lines)
    assert (await rush(processes, [requester()], {Kind.IMAGES: 1}))[0] == []
    await quotas.clear(requester(), Scope.MEMBER, Kind.IMAGES, Period.HOUR, Target())
    assert len((await rush(processes, [requester()], {Kind.IMAGES: 1}))[0]) == 5 * LIMIT


async def test_an_hour_a_day_and_a_month_start_again_each_at_its_time(
    processes: list[Process], clock: FakeClock
) -> None:
    quotas, ask = processes[0].quotas, {Kind.MESSAGES: 1}
    for per, limit in ((Period.HOUR, "1"), (Period.DAY, "2"), (Period.MONTH, "3")):
        await quotas.set(requester(), Scope.SERVER, Kind.MESSAGES, per, limit, Target())
    passed = []
    for hours in (1, 1, 24, 24, 29 * 24, 1):  # from noon on the first of September
        passed.append(len((await rush(processes, [requester()], ask))[0]))
        await clock.advance(hours * 3_600)
    assert passed == [1, 1, 0, 1, 0, 1]
