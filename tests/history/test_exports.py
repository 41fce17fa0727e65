"""Files of turns: never over their limit, with the newest turns, and with counts that say what is in them."""

import dataclasses
import json
from collections.abc import Coroutine
from typing import Any

import pytest

from bot.context import Permission
from bot.errors import MissingPermission
from bot.history.exports import build_json_file, build_markdown_file
from bot.history.history import ExportFormat, History
from bot.history.privacy import MemberData
from bot.store.database import Database
from bot.store.personal_data import PersonalData
from bot.store.settings import StoredSettings
from bot.store.turn_deletion import TurnDeletion
from bot.store.turn_reader import NEWEST, TurnFilter, TurnReader
from bot.store.turns import Turn
from tests.history.stored_turns import ANNA, Say
from tests.support.clock import FakeClock
from tests.support.event_loop_turns import count_turns
from tests.support.requests import CHANNEL, GUILD
from tests.support.turns import ANN


@pytest.fixture
def history(database: Database, turn_deletion: TurnDeletion, clock: FakeClock) -> History:
    return History(TurnReader(database), turn_deletion, clock)


@pytest.mark.parametrize("written_in", list(ExportFormat))
async def test_a_file_never_takes_more_than_its_room(history: History, say: Say, written_in: ExportFormat) -> None:
    for number in range(230):
        await say(f"question {number} ☂", answer="answer " * number)
    for room in (700, 5_000, 33_333, 1_000_000):
        export = await history.export(ANNA, written_in, room)
        assert len(export.data) <= room
        assert export.total == 230
        assert export.turns < 230 or len(export.data) > 150_000
        if export.turns:
            assert "question 229 ☂" in export.data.decode()


async def test_a_json_file_is_json_however_many_turns_are_in_it(history: History, say: Say) -> None:
    for expected in range(4):
        content = json.loads((await history.export(ANNA, ExportFormat.JSON, 100_000)).data)
        assert (len(content["turns"]), content["turns_in_file"], content["turns_kept"]) == (expected,) * 3
        await say('"quoted" \\ and\nbroken')


async def test_others_have_their_turn_between_the_turns_of_a_long_file(say: Say, database: Database) -> None:
    await say("question", answer="word " * 1000)
    [turn] = await TurnReader(database).list_before(TurnFilter(ANN, CHANNEL), NEWEST, 1)

    async def reading(before: int) -> list[Turn]:
        return [dataclasses.replace(turn, id=number) for number in range(300, 0, -1)] if before == NEWEST else []

    async with count_turns() as turns:
        assert (await build_json_file("x", {}, 300, reading, 10_000_000)).turns == 300
        assert turns() >= 300
        assert (await build_markdown_file("x", "# X", 300, reading, 10_000_000)).turns == 300
        assert turns() >= 600


async def test_a_question_cannot_break_out_of_its_quote(history: History, say: Say) -> None:
    await say("first\n# second\r\n---", author_name="Ann\n# Ben")
    text = (await history.export(ANNA, ExportFormat.MARKDOWN, 100_000)).data.decode()
    assert "> first\n> # second\n> ---\n" in text
    assert "## Ann # Ben" in text


@pytest.mark.parametrize("permission", [Permission.READ_MESSAGE_HISTORY, Permission.MANAGE_MESSAGES])
async def test_every_use_of_the_history_takes_its_own_permission(history: History, permission: Permission) -> None:
    requester = dataclasses.replace(ANNA, permissions=frozenset(Permission) - {permission})
    reading: list[Coroutine[Any, Any, object]]
    reading = [history.get_newest(requester), history.get_before(requester, 5), history.get_after(requester, 5)]
    reading.append(history.export(requester, ExportFormat.JSON, 1000))
    clearing = [history.count(requester), history.clear(requester)]
    needs_it, does_not = (reading, clearing) if permission is Permission.READ_MESSAGE_HISTORY else (clearing, reading)
    for use in needs_it:
        with pytest.raises(MissingPermission):
            await use
    for use in does_not:
        await use


async def test_many_large_rows_about_a_member_leave_room_for_turns(
    database: Database, turn_deletion: TurnDeletion, say: Say, clock: FakeClock
) -> None:
    settings = StoredSettings(database)
    for channel_id in range(40):
        await settings.set_channel(channel_id, GUILD, "persona", "x" * 1000, by=ANNA.user_id, at_ms=0)
    await say()
    own = MemberData(PersonalData(database), TurnReader(database), turn_deletion, clock, retention_days=30)
    export = await own.export(ANNA, 20_000)
    content = json.loads(export.data)
    assert len(export.data) <= 20_000
    assert 0 < len(content["others"]["settings"]) < 40 == content["others_kept"]["settings"]
    assert export.others_left_out > 0
    assert len(content["turns"]) == 1


async def test_ones_own_data_says_what_else_is_kept(
    database: Database, turn_deletion: TurnDeletion, clock: FakeClock
) -> None:
    own = MemberData(PersonalData(database), TurnReader(database), turn_deletion, clock, retention_days=30)
    content = json.loads((await own.export(ANNA, 100_000)).data)
    assert content["member_id"] == str(ANNA.user_id)
    assert content["turns"] == []
    assert all(rows == [] for rows in content["others"].values())
