"""What is kept about a member, and that every column which holds members' ids is known."""

import dataclasses
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.store.conversations import Conversations
from bot.store.database import Database
from bot.store.personal_data import PERSONAL_COLUMNS, ChannelTurnCount, PersonalData, PersonalRows
from bot.store.quota_limits import Kind, Limit, Period, QuotaLimits, Scope
from bot.store.schema import migrations, upgrade
from bot.store.settings import StoredSettings
from tests.support.turns import ANN, BEN, CHANNEL, TURN

ABOUT_PEOPLE = re.compile(r"(^|_)(author|member|user|person|owner|by|invoker|caller|target|subject)(_|$)")

KEEPS_NO_MEMBERS_ID = {
    ("inflight_answers", "member_id"),  # goes as soon as the answer is written
    ("turns", "author_name"),  # goes with the turn
    ("settings", "subject_id"),  # a channel's or a server's
    ("usage_counters", "subject"),  # a server's, a channel's, or a keyed hash
    ("quota_limits", "target_id"),  # a channel's, a role's, or a keyed hash
    ("erased_members", "member_hash"),  # a keyed hash
}
"""Columns that sound like members' ids, or hold one for a moment only."""


@pytest.fixture
def members(database: Database) -> PersonalData:
    return PersonalData(database)


async def test_a_members_turns_are_counted_by_channel(members: PersonalData, database: Database) -> None:
    conversations = Conversations(database)
    await conversations.save(TURN)
    await conversations.save(dataclasses.replace(TURN, private=True))
    assert await members.count_turns_by_channel(ANN) == [ChannelTurnCount(7, CHANNEL, 2, 1, TURN.created_at_ms)]
    assert await members.count_turns_by_channel(BEN) == []


async def test_a_setting_stays_when_whoever_set_it_is_forgotten(members: PersonalData, database: Database) -> None:
    settings = StoredSettings(database)
    await settings.set_channel(CHANNEL, 7, "model", "gpt-4.1", by=ANN, at_ms=5)
    await settings.set_channel(CHANNEL, 7, "other", "b", by=BEN, at_ms=5)
    (row,) = (await members.list_rows(ANN))[PersonalRows.SETTINGS]
    assert row["setting"] == "model"
    assert (await members.list_rows(ANN))[PersonalRows.SETTING_CHANGES][0]["new"] == "gpt-4.1"
    assert await members.erase(ANN) == 2
    assert await members.list_rows(ANN) == {
        "settings": [],
        "changes": [],
        "voice_preferences": [],
        "sketches": [],
        "quota_rules": [],
    }
    assert (await settings.get_values(7, CHANNEL))[1] == {"model": "gpt-4.1", "other": "b"}


async def test_a_limit_stays_for_a_member_who_is_forgotten(members: PersonalData, database: Database) -> None:
    rules = QuotaLimits(database)
    rule = Limit(Scope.MEMBER, 8_000, Kind.IMAGES, Period.DAY, 3, member_id=ANN)
    await rules.set(7, rule, max_count=9, by=BEN, at_ms=5)
    assert (await members.list_rows(ANN))[PersonalRows.LIMITS] == [
        {"server_id": 7, "kind": "images", "per": "day", "limit": 3}
    ]
    assert await members.erase(ANN) == 1
    assert await rules.list_for_guild(7) == [dataclasses.replace(rule, member_id=None)]


def test_every_column_about_people_is_known(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "bot.db", isolation_level=None)) as connection:
        upgrade(connection, migrations())
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        columns = {
            (table, row[1])
            for table in tables
            for row in connection.execute(f"PRAGMA table_info({table})").fetchall()
            if ABOUT_PEOPLE.search(row[1])
        }
    known = {(each.table, each.column) for each in PERSONAL_COLUMNS} | {("turns", "author_id")}
    assert columns - KEEPS_NO_MEMBERS_ID == known
