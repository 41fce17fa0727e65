"""Every statement of the store finds its rows by an index, however large the tables grow."""

import dataclasses
import importlib
import pkgutil
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import pytest

import bot.store
from bot.store.audit_log import AuditLog
from bot.store.conversations import Conversations
from bot.store.database import Database, Transaction, Work
from bot.store.image_generations import ImageGeneration, ImageGenerations
from bot.store.inflight import InFlightAnswer, InFlightAnswers, Phase
from bot.store.left_guilds import LeftGuilds
from bot.store.personal_data import PersonalData
from bot.store.personas import StoredPersona, StoredPersonas
from bot.store.processes import ProcessLeases
from bot.store.pronunciations import StoredPronunciation, StoredPronunciations
from bot.store.quota_limits import Kind, Limit, Period, QuotaLimits, QuotaLookup, Scope
from bot.store.schema import migrations, upgrade
from bot.store.settings import StoredSettings
from bot.store.tombstones import Tombstones
from bot.store.turn_deletion import TurnDeletion
from bot.store.turn_reader import TurnFilter, TurnReader
from bot.store.usage import Claim, Spent, UsageCounter, UsageStore
from tests.support.claims import FixedClaims
from tests.support.turns import TURN

T = TypeVar("T")

_STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")


def statements() -> dict[str, str]:
    """Collect all SQL: it is kept in constants of the store's modules."""
    found = {}
    for module in pkgutil.iter_modules(bot.store.__path__, "bot.store."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, str) and _STATEMENT.match(value):
                found[f"{module.name}.{name}"] = value
    return found


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "bot.db", isolation_level=None)) as opened:
        upgrade(opened, migrations())
        yield opened


def scanned_tables(connection: sqlite3.Connection, sql: str) -> list[str]:
    """Name the tables that `sql` would read from end to end."""
    plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", [1] * sql.count("?"))
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    scans = [match[1] for *_, step in plan if (match := re.match(r"SCAN (?:TABLE )?(\w+)", step))]
    assert not re.search(r"\b(FROM|JOIN|UPDATE|INTO) \w+ AS ", sql), "an alias would hide a table's name in the plan"
    return [name for name in scans if name in tables]


@pytest.mark.parametrize("name", sorted(statements()))
def test_a_statement_searches_by_index(connection: sqlite3.Connection, name: str) -> None:
    assert scanned_tables(connection, statements()[name]) == []


def test_a_scan_would_be_noticed(connection: sqlite3.Connection) -> None:
    assert scanned_tables(connection, "SELECT answer FROM turns WHERE model = ?") == ["turns"]
    assert scanned_tables(connection, "SELECT id FROM turns WHERE author_name = ? ORDER BY id") == ["turns"]


def test_deleting_a_row_finds_the_rows_that_point_to_it_by_index(connection: sqlite3.Connection) -> None:
    keys = [
        (table, key[3])
        for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        for key in connection.execute(f"PRAGMA foreign_key_list({table})").fetchall()
    ]
    assert len(keys) >= 4
    for table, column in keys:
        assert scanned_tables(connection, f"SELECT 1 FROM {table} WHERE {column} = ?") == []


class Listening:
    """A database that passes everything on and remembers the statements."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.heard: set[str] = set()

    async def write(self, work: Work[T]) -> T:
        return await self._database.write(lambda transaction: work(_Heard(transaction, self.heard)))

    async def read(self, work: Work[T]) -> T:
        return await self._database.read(lambda transaction: work(_Heard(transaction, self.heard)))


class _Heard:
    def __init__(self, transaction: Transaction, heard: set[str]) -> None:
        self._transaction = transaction
        self._heard = heard

    def __getattr__(self, name: str) -> Any:  # Any: the methods of a `Transaction`
        def call(sql: str, *arguments: object) -> object:
            self._heard.add(sql)
            return getattr(self._transaction, name)(sql, *arguments)

        return call


async def look_at_and_let_go(database: Database) -> None:
    conversations, archive, removals = (
        Conversations(database),
        TurnReader(database),
        TurnDeletion(database, Tombstones()),
    )
    members, departures = PersonalData(database), LeftGuilds(database)
    view = TurnFilter(TURN.author_id, TURN.channel_id)
    turn_id = await conversations.save(TURN)
    assert turn_id is not None
    await conversations.record_messages(turn_id, (7,))
    await archive.get_page_before(view, turn_id + 1, 5)
    await archive.get_page_after(view, 0, 5)
    await archive.get(turn_id)
    await archive.list_for_member(TURN.author_id, turn_id + 1, 5)
    await members.count_turns_by_channel(TURN.author_id)
    await members.list_rows(TURN.author_id)
    await members.erase(TURN.author_id)
    await departures.list_known_guilds()
    await departures.record([7], 1)
    await departures.list_due(2)
    await conversations.save(TURN)
    await departures.purge(7, noticed_before_ms=2)
    await departures.clear([7])
    for private in (False, True):
        await conversations.save(dataclasses.replace(TURN, private=private, answer_message_ids=(9,)))
        await conversations.save(dataclasses.replace(TURN, private=private, fresh=True))
    await conversations.get_private_history(TURN.channel_id, TURN.author_id, 20)
    await conversations.save(dataclasses.replace(TURN, path=(turn_id,)))
    await removals.delete_turn(turn_id, TURN.answer_message_ids)
    await removals.delete_by_messages(TURN.answer_message_ids)
    await removals.delete_member(TURN.author_id, at_ms=1)
    await removals.delete_visible_to(TURN.author_id, TURN.channel_id)
    await removals.delete_channel(TURN.channel_id)
    await removals.delete_older_than(1)
    await removals.purge_erasure_markers(1)
    await removals.delete_audit_log_before(1)


async def use_turns(listening: Database) -> None:
    conversations = Conversations(listening)
    turn_id = await conversations.save(TURN)
    assert turn_id is not None
    await conversations.record_messages(turn_id, (5, 6))
    await conversations.get_public_history(TURN.channel_id, 20)
    await conversations.find_turn_of_message(TURN.answer_message_ids[0], TURN.channel_id)
    await conversations.get_ancestors(1, 20)


async def use_settings(listening: Database) -> None:
    settings, quota_rules = StoredSettings(listening), QuotaLimits(listening)
    await settings.set_channel(1, 2, "model", "a", by=3, at_ms=4)
    await settings.set_guild(2, "model", "a", by=3, at_ms=4)
    await settings.get_values(2, 1)
    await settings.clear_channel(1, 2, ["model"], by=3, at_ms=4)
    await settings.clear_guild(2, ["model"], by=3, at_ms=4)
    await AuditLog(listening).list_newest(2, 10)
    await quota_rules.set(2, Limit(Scope.MEMBER, 3, Kind.IMAGES, Period.DAY, 4, 5), max_count=1, by=3, at_ms=4)
    await quota_rules.list_for_guild(2)
    await quota_rules.clear(2, (Scope.MEMBER, 3, Kind.IMAGES, Period.DAY), by=3, at_ms=4)
    words = StoredPronunciations(listening)
    await settings.update_voice(1, voice="nova", speed_percent=None, at_ms=2)
    await words.save(2, StoredPronunciation("gif", "GIF", "jiff"), max_count=9, by=3, at_ms=4)
    await words.list_for_guild(2)
    await words.remove(2, "gif", by=3, at_ms=4)
    presets, pirate = StoredPersonas(listening), StoredPersona("pirate", "Pirate", "You are a pirate.")
    await presets.add(2, pirate, max_count=9, by=3, at_ms=4)
    await presets.list_names(2)
    await presets.save_all(2, await presets.list_for_guild(2), max_count=9, by=3, at_ms=4)
    await presets.remove(2, "pirate", by=3, at_ms=4)


async def use_usage(listening: Database) -> None:
    spending = UsageStore(listening)
    claim = Claim(UsageCounter("member", 1, "images", "day", 0, 86_400_000), 1, 10)
    place, following = QuotaLookup(2, 1, 3), UsageCounter("member", 1, "images", "day", 86_400_000, 2 * 86_400_000)
    for reservation in (1, 2):
        await spending.reserve(reservation, FixedClaims([claim], place), process="p", now_ms=0)
    await spending.set_due(2, {0: 1})
    await spending.settle(1, [Spent(20, 10, following)])
    await spending.list_open("p")
    await spending.free(2, "p", 70_000)
    await spending.grow(2, FixedClaims([], place), {0: claim}, 1, process="q")
    await spending.delete_expired(freed_before_ms=80_000, ended_before_ms=90_000_000)
    await spending.get_used(FixedClaims([claim], place))


async def use_image_generations(listening: Database) -> None:
    generations = ImageGenerations(listening, Tombstones())
    generation = ImageGeneration(
        channel_id=1,
        parent_channel_id=None,
        guild_id=2,
        author_id=3,
        prompt="a cat",
        size=None,
        n=1,
        model=None,
        spoiler=False,
        message_id=4,
        created_at_ms=5,
    )
    generation_id = await generations.add(generation, asked_at_ms=5)
    assert generation_id is not None
    await generations.get(generation_id)
    await generations.remove(generation_id)


async def use_inflight(listening: Database) -> None:
    running, leases = InFlightAnswers(listening), ProcessLeases(listening)
    await leases.add("p", 5)
    await leases.renew("p", 6)
    await leases.list_all()
    await leases.declare_dead("p", 6)
    await leases.declare_dead("p", 6)
    await leases.delete("p")
    await running.claim(2, 3)
    await running.insert(InFlightAnswer(1, 2, "token", 3, 4), "p")
    await running.delete_claims_before(3)
    await running.record_messages(1, (5, 6), phase=Phase.TEXT, final_message_count=2)
    await running.find_in_channel(1, 1)
    await running.request_cancel(1, channel_id=1)
    await running.list_cancel_requested("p")
    await running.delete([answer.id for answer in await running.take_over("p", "q")])


async def test_the_store_runs_these_statements_and_no_others(database: Database) -> None:
    listening = Listening(database)
    for use in (use_turns, use_settings, use_usage, look_at_and_let_go, use_image_generations, use_inflight):
        await use(listening)
    assert listening.heard == set(statements().values())
