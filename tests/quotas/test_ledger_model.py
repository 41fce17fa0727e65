"""The ledger against a plain model of it: two processes on one file, in any order of events."""

import asyncio
import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from bot.clock import unix_ms
from bot.context import RequestContext
from bot.errors import QuotaExceeded
from bot.quotas.ledger import COUNTER_RETENTION, FREED_RETENTION, UNHELD_AFTER_S, Ledger, Reservation
from bot.quotas.resolver import list_applicable_limits
from bot.quotas.token_budget import BLOCK_TOKENS
from bot.store.open import open_database
from bot.store.quota_limits import Kind, Limit, Period, QuotaLimits, Scope
from tests.support.clock import FakeClock
from tests.support.quotas import CHANNEL, GUILD, USAGE_KEYS, FakeProcess, operator_limits, requester

LIMITS = operator_limits(member_messages=4, server_messages=9, server_tokens=2_000)
WINDOWS = "SELECT scope, subject, kind, period, starts_at_ms, settled, reserved FROM usage_counters"
MODERATED = [
    Limit(Scope.SERVER, None, Kind.TOKENS, Period.HOUR, None),
    Limit(Scope.CHANNEL, CHANNEL, Kind.TOKENS, Period.DAY, None),
    Limit(Scope.MEMBER, None, Kind.MESSAGES, Period.HOUR, None),
    Limit(Scope.ROLE, GUILD, Kind.MESSAGES, Period.HOUR, None),
]


class Window(NamedTuple):
    """A window as the model knows it, without its place in the calendar's order."""

    scope: str
    subject: int
    kind: str
    per: str
    starts_at_ms: int

    @property
    def ends_at_ms(self) -> int:
        starts_at = datetime.fromtimestamp(self.starts_at_ms / 1000, UTC)
        return unix_ms(Period(self.per).end(starts_at))


@dataclass
class Held:
    """A reservation as the model knows it: what it holds in each window under which limit, and for whom."""

    reservation: Reservation
    who: RequestContext
    process: int
    """The ledger that made it; -1 when nothing can end it any more."""
    name: str
    """The process that it belongs to."""
    held: Counter[Window]
    limits: dict[Window, int | None]
    reserved_at: float
    freed_at: float | None = None
    forgotten: bool = False
    lost: bool = False
    """Freed at least once."""


@dataclass
class Books:
    """What each window should say. `carried` came from the window before it, which no limit can hold back."""

    settled: Counter[Window] = field(default_factory=Counter)
    reserved: Counter[Window] = field(default_factory=Counter)
    carried: Counter[Window] = field(default_factory=Counter)
    highest: dict[Window, float] = field(default_factory=dict)


class TwoLedgers(RuleBasedStateMachine):
    open_reservations = Bundle("open reservations")
    processes = st.integers(0, 1)

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = FakeClock()
        self.stack = AsyncExitStack()
        self.ledgers: list[Ledger] = []
        self.names = [FakeProcess("0"), FakeProcess("1")]
        self.books = Books()
        self.stored_limits: dict[object, Limit] = {}
        self.alive: list[Held] = []
        self.runner.run(self.start())

    async def start(self) -> None:
        address = f"sqlite:///{Path(self.folder.name) / 'bot.db'}"
        self.databases = [await self.stack.enter_async_context(open_database(address)) for _ in range(2)]
        self.ledgers = [
            Ledger(database, LIMITS, USAGE_KEYS, self.clock, process=process)
            for database, process in zip(self.databases, self.names, strict=True)
        ]

    def teardown(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()
        self.folder.cleanup()

    @property
    def now(self) -> float:
        return self.clock.now().timestamp()

    def limits(self, who: RequestContext, moment: float) -> dict[Window, int | None]:
        """The windows that count for somebody at a moment, each with its strictest limit under the rules of now."""
        when = datetime.fromtimestamp(moment, UTC)
        found: dict[Window, int | None] = {}
        for each in list_applicable_limits(who, list(self.stored_limits.values()), LIMITS, USAGE_KEYS):
            kind, per = each.limit.kind, each.limit.per
            window = Window(each.usage_scope.value, each.subject, kind.value, per.value, unix_ms(per.start(when)))
            found[window] = min((one for one in (found.get(window), each.max_amount) if one is not None), default=None)
        return found

    def fits(self, steps: Counter[Window], limits: dict[Window, int | None]) -> bool:
        return all(
            (limit := limits.get(window)) is None or self.used(window) + step <= limit for window, step in steps.items()
        )

    def take(self, steps: Counter[Window], limits: dict[Window, int | None]) -> None:
        self.books.reserved.update(steps)
        for window in steps:
            limit = limits.get(window)
            self.books.highest[window] = max(
                self.books.highest.get(window, 0), float("inf") if limit is None else limit
            )

    @rule(chosen=st.sampled_from(MODERATED), limit=st.sampled_from(["none", None, 0, 2, 700, 900]), process=processes)
    def moderate(self, chosen: Limit, limit: int | str | None, process: int) -> None:
        rules = QuotaLimits(self.databases[process])
        if isinstance(limit, str):
            self.runner.run(rules.clear(GUILD, chosen.key, by=1, at_ms=0))
            self.stored_limits.pop(chosen.key, None)
        else:
            self.stored_limits[chosen.key] = replace(chosen, max_amount=limit)
            self.runner.run(rules.set(GUILD, self.stored_limits[chosen.key], max_count=9, by=1, at_ms=0))

    @rule(
        target=open_reservations,
        process=processes,
        member=st.integers(1, 3),
        guild=st.sampled_from([GUILD, None]),
        messages=st.integers(0, 2),
        tokens=st.integers(0, 600),
    )
    def reserve(self, process: int, member: int, guild: int | None, messages: int, tokens: int) -> object:
        who = requester(member, guild)
        amounts = {Kind.MESSAGES: messages, Kind.TOKENS: tokens}
        limits = {window: limit for window, limit in self.limits(who, self.now).items() if Kind(window.kind) in amounts}
        wanted = Counter({window: amounts[Kind(window.kind)] for window in limits})
        fits = self.fits(wanted, limits)
        try:
            reservation = self.runner.run(self.ledgers[process].reserve(who, amounts))
        except QuotaExceeded:
            assert not fits
            return multiple()
        assert fits
        self.take(wanted, limits)
        name = self.names[process].name
        held = Held(reservation, who, process, name, wanted, limits, self.now)
        self.alive.append(held)
        return held

    @rule(held=open_reservations, blocks=st.integers(1, 3))
    def grow(self, held: Held, blocks: int) -> None:
        if held.process < 0:
            return
        for _ in range(blocks):
            self.grow_by_a_block(held)

    def grow_by_a_block(self, held: Held) -> None:
        ledger, before = self.ledgers[held.process], held.reservation.amounts[Kind.TOKENS]
        limits = self.limits(held.who, held.reserved_at)
        freed = held.freed_at is not None
        steps = Counter(
            {
                window: BLOCK_TOKENS + (amount if freed else 0)
                for window, amount in held.held.items()
                if window.kind == Kind.TOKENS
            }
        )
        fits = not held.forgotten and self.fits(steps, limits)
        reached = self.runner.run(ledger.token_budget(held.reservation, Kind.TOKENS).ensure(before + 1))
        assert reached == (before + 1 if fits else before)
        if fits:
            self.take(steps, limits)
            if freed:
                held.freed_at, held.name = None, self.names[held.process].name
                held.lost = True
            for window in steps:
                held.held[window] += BLOCK_TOKENS
                held.limits[window] = limits.get(window)

    @rule(held=consumes(open_reservations), part=st.sampled_from([0, 0.5, 1, 1.5, 4]))
    def settle(self, held: Held, part: float) -> None:
        amounts = {kind: int(amount * part) for kind, amount in held.reservation.amounts.items()}
        self.runner.run(self.ledgers[held.process].settle(held.reservation, amounts))
        self.close(held, amounts)

    @rule(held=consumes(open_reservations))
    def release(self, held: Held) -> None:
        self.runner.run(self.ledgers[held.process].release(held.reservation))
        self.close(held, {})

    @rule(held=consumes(open_reservations))
    def die_with_it(self, held: Held) -> None:
        """Never end a reservation: its process is no more."""
        held.process, held.name = -1, "dead"
        dead = "UPDATE reservations SET process = 'dead' WHERE id = ?"
        self.runner.run(self.databases[0].write(lambda tx: tx.execute(dead, (held.reservation.id,))))

    @rule(held=consumes(open_reservations))
    def lose(self, held: Held) -> None:
        """Never end a reservation, of which its process knows nothing."""
        if held.process >= 0:
            held.process = -1
            self.ledgers[int(held.name[0])]._held.pop(held.reservation.id)

    @rule(seconds=st.sampled_from([1, UNHELD_AFTER_S // 2, UNHELD_AFTER_S, 3_700, 13 * 3_600]))
    def let_time_pass(self, seconds: int) -> None:
        self.runner.run(self.clock.advance(seconds))

    @rule(process=processes)
    def heartbeat(self, process: int) -> None:
        self.runner.run(self.ledgers[process].on_heartbeat())
        for held in self.alive:
            is_own = held.process < 0 and held.name == self.names[process].name
            if is_own and held.reserved_at <= self.now - UNHELD_AFTER_S:
                self.free(held)

    @rule(process=processes)
    def take_over_the_dead(self, process: int) -> None:
        self.take_over(process, "dead")

    @rule(process=processes, declared=processes)
    def declare_dead(self, process: int, declared: int) -> None:
        """A process is taken over though it lives, and goes on under another name."""
        former = self.names[declared].name
        self.names[declared].name = f"{former}'"
        self.take_over(process, former)

    def take_over(self, process: int, dead: str) -> None:
        self.runner.run(self.ledgers[process].free_dead(dead))
        for held in self.alive:
            if held.name == dead:
                self.free(held)

    def free(self, held: Held) -> None:
        if held.freed_at is None:
            self.books.reserved.subtract(self.holds(held))
            held.freed_at = self.now
            held.lost = True

    @rule(process=processes)
    def delete_old(self, process: int) -> None:
        self.runner.run(self.ledgers[process].delete_old())
        for held in self.alive:
            held.forgotten |= held.freed_at is not None and held.freed_at <= self.now - FREED_RETENTION.total_seconds()
        in_use = {window for held in self.alive if not held.forgotten for window in held.held}
        for window in [*self.books.settled, *self.books.reserved]:
            if window not in in_use and window.ends_at_ms <= (self.now - COUNTER_RETENTION.total_seconds()) * 1000:
                self.books.settled.pop(window, None)
                self.books.reserved.pop(window, None)

    def holds(self, held: Held) -> Counter[Window]:
        """What the store holds for a reservation. Of one that was lost and taken again that is its tokens alone."""
        if held.freed_at is not None:
            return Counter()
        return Counter(
            {window: amount for window, amount in held.held.items() if not held.lost or window.kind == Kind.TOKENS}
        )

    def close(self, held: Held, amounts: dict[Kind, int]) -> None:
        self.alive.remove(held)
        if held.forgotten:
            return
        holds = self.holds(held)
        self.books.reserved.subtract(holds)
        for window, limit in held.limits.items():
            spent = amounts.get(Kind(window.kind), 0)
            self.books.settled[window] += spent
            beyond = 0 if limit is None else min(spent - holds[window], self.used(window) - limit)
            if beyond > 0:
                following = window._replace(starts_at_ms=window.ends_at_ms)
                self.books.settled[window] -= beyond
                self.books.settled[following] += beyond
                self.books.carried[following] += beyond

    def used(self, window: Window) -> int:
        return self.books.settled[window] + self.books.reserved[window]

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        rows = self.runner.run(self.databases[1].read(lambda transaction: transaction.fetch_all(WINDOWS)))
        found = {Window(*window): (settled, reserved) for *window, settled, reserved in rows}
        expected = {window: (self.books.settled[window], self.books.reserved[window]) for window in found}
        assert found == expected
        assert all(self.used(window) == 0 for window in [*self.books.settled] if window not in found)

    @invariant()
    def no_limit_is_passed(self) -> None:
        for window, limit in self.books.highest.items():
            assert self.used(window) - self.books.carried[window] <= limit


TestTwoLedgers = TwoLedgers.TestCase
TestTwoLedgers.settings = settings(max_examples=60, stateful_step_count=60)
