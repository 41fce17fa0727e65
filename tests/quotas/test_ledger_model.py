"""The ledger against a plain model of it: two processes on one file, in any order of events."""

import asyncio
import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from beat_clock import BeatClock
from callers import caller, ceilings
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from bot.clock import unix_ms
from bot.errors import QuotaSpent
from bot.quotas.ledger import FREED_KEPT, LEASE_S, LONGEST_WORK, Ledger
from bot.quotas.reservation import Reservation
from bot.quotas.rules import Kind
from bot.quotas.windows import window_start
from bot.store.opening import open_database

LIMITS = ceilings(member_messages=4, server_messages=9, server_tokens=20)
WINDOWS = "SELECT scope, subject, kind, starts_at_ms, settled, reserved FROM usage_windows"

Window = tuple[str, int, str, int]


@dataclass
class Held:
    """A reservation as the model knows it: what it holds in each window, and until when."""

    reservation: Reservation
    process: int
    held: Counter[Window]
    reserved_at: float
    lease_until: float
    freed_at: float | None = None
    forgotten: bool = False


@dataclass
class Books:
    """What each window should say. `late` was settled after its lease was lost, which no limit can hold back."""

    settled: Counter[Window] = field(default_factory=Counter)
    reserved: Counter[Window] = field(default_factory=Counter)
    late: Counter[Window] = field(default_factory=Counter)
    limits: dict[Window, int] = field(default_factory=dict)


class TwoLedgers(RuleBasedStateMachine):
    open_reservations = Bundle("open reservations")
    processes = st.integers(0, 1)

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = BeatClock()
        self.stack = AsyncExitStack()
        self.ledgers: list[Ledger] = []
        self.books = Books()
        self.alive: list[Held] = []
        self.runner.run(self.start())

    async def start(self) -> None:
        address = f"sqlite:///{Path(self.folder.name) / 'bot.db'}"
        self.databases = [await self.stack.enter_async_context(open_database(address)) for _ in range(2)]
        self.ledgers = [
            Ledger(database, LIMITS, self.clock, process=str(n)) for n, database in enumerate(self.databases)
        ]

    def teardown(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()
        self.folder.cleanup()

    @property
    def now(self) -> float:
        return self.clock.now().timestamp()

    @rule(
        target=open_reservations,
        process=processes,
        member=st.integers(1, 3),
        guild=st.sampled_from([700, None]),
        messages=st.integers(0, 3),
        tokens=st.integers(0, 8),
    )
    def reserve(self, process: int, member: int, guild: int | None, messages: int, tokens: int) -> Held | None:
        who = caller(member, guild)
        amounts = {Kind.MESSAGES: messages, Kind.TOKENS: tokens}
        wanted: Counter[Window] = Counter()
        for each in LIMITS.rules_for(who):
            if each.kind in amounts:
                starts_at = unix_ms(window_start(each.per, self.clock.now()))
                window = (each.scope.value, each.subject, each.kind.value, starts_at)
                wanted[window] = amounts[each.kind]
                self.books.limits[window] = each.limit
        fits = all(self.used(window) + amount <= self.books.limits[window] for window, amount in wanted.items())
        try:
            reservation = self.runner.run(self.ledgers[process].reserve(who, amounts))
        except QuotaSpent:
            assert not fits
            return None
        assert fits
        self.books.reserved.update(wanted)
        held = Held(reservation, process, wanted, self.now, self.now + LEASE_S)
        self.alive.append(held)
        return held

    @rule(held=consumes(open_reservations), part=st.floats(0, 1))
    def settle(self, held: Held | None, part: float) -> None:
        if held is None:
            return
        amounts = {kind: int(amount * part) for kind, amount in held.reservation.amounts.items()}
        self.runner.run(self.ledgers[held.process].settle(held.reservation, amounts))
        self.close(held, amounts)

    @rule(held=consumes(open_reservations))
    def release(self, held: Held | None) -> None:
        if held is not None:
            self.runner.run(self.ledgers[held.process].release(held.reservation))
            self.close(held, {})

    @rule(held=consumes(open_reservations))
    def die_with_it(self, held: Held | None) -> None:
        """Never end a reservation, nor renew it: its process is no more."""
        if held is not None:
            held.process = -1
            dead = "UPDATE reservations SET process = 'dead' WHERE id = ?"
            self.runner.run(self.databases[0].write(lambda tx: tx.execute(dead, (held.reservation.id,))))

    @rule(seconds=st.sampled_from([1, LEASE_S // 2, LEASE_S, 3_700, 13 * 3_600]))
    def let_time_pass(self, seconds: int) -> None:
        self.runner.run(self.clock.advance(seconds))

    @rule(process=processes)
    def renew(self, process: int) -> None:
        self.runner.run(self.ledgers[process].renew())
        for held in self.alive:
            young = held.reserved_at > self.now - LONGEST_WORK.total_seconds()
            if held.process == process and held.freed_at is None and young:
                held.lease_until = self.now + LEASE_S

    @rule(process=processes)
    def sweep(self, process: int) -> None:
        self.runner.run(self.ledgers[process].free_expired())
        for held in self.alive:
            if held.freed_at is None and held.lease_until <= self.now:
                self.books.reserved.subtract(held.held)
                held.freed_at = self.now
            held.forgotten |= held.freed_at is not None and held.freed_at <= self.now - FREED_KEPT.total_seconds()

    def close(self, held: Held, amounts: dict[Kind, int]) -> None:
        self.alive.remove(held)
        if held.forgotten:
            return
        if held.freed_at is None:
            self.books.reserved.subtract(held.held)
        spent = {window: amounts.get(Kind(window[2]), 0) for window in held.held}
        self.books.settled.update(spent)
        if held.freed_at is not None:
            self.books.late.update(spent)

    def used(self, window: Window) -> int:
        return self.books.settled[window] + self.books.reserved[window]

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        rows = self.runner.run(self.databases[1].read(lambda transaction: transaction.fetch_all(WINDOWS)))
        found = {tuple(window): (settled, reserved) for *window, settled, reserved in rows}
        expected = {window: (self.books.settled[window], self.books.reserved[window]) for window in found}
        assert found == expected
        assert all(self.used(window) == 0 for window in self.books.limits if window not in found)

    @invariant()
    def no_limit_is_passed(self) -> None:
        for window, limit in self.books.limits.items():
            assert self.used(window) - self.books.late[window] <= limit


TestTwoLedgers = TwoLedgers.TestCase
TestTwoLedgers.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
