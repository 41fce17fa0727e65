"""What is remembered: over a restart, between members, channels, threads and direct messages."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sandbox.bot_process import BotProcessDied
from sandbox.client.user import ClientUser
from sandbox.discord.traffic_log import HttpExchange
from sandbox.openai.calls import ApiCall, CallKind
from sandbox.openai.faults import CONTEXT_TOO_LONG, Stall, Status
from sandbox.sandbox import Sandbox
from tests.support.trip_box import OpenBox, ask, asked, begun, told, use

DATABASE = Path("data/bot.db")


async def test_after_a_restart_a_follow_up_carries_the_earlier_turns(
    box: Sandbox, ada: ClientUser, ben: ClientUser
) -> None:
    first = await ask(ada, "What is a monad?")
    second = await ask(ben, "And what is a comonad?")
    assert await box.restart() == 0
    await ask(ada, "Which one did I ask about?")
    carried = told(_newest(box))
    assert carried == [
        "What is a monad?",
        first.text,
        "And what is a comonad?",
        second.text,
        "Which one did I ask about?",
    ]
    speakers = [message["content"].split("\n")[0] for message in _newest(box).messages if message["role"] == "user"]
    assert speakers == ['{"speaker": "Ada"}', '{"speaker": "Ben"}', '{"speaker": "Ada"}']


async def test_a_second_start_writes_nothing_to_the_commands(box: Sandbox, ada: ClientUser) -> None:
    assert len(box.traffic_log.find(_writes_commands)) == 1
    first_start = box.traffic_log.number
    await box.restart()
    assert (await use(ada, "/help")).private
    assert box.traffic_log.find(lambda entry: entry.template.endswith("/commands"), after=first_start)
    assert box.traffic_log.find(_writes_commands, after=first_start) == []


async def test_changed_commands_are_written_again_at_the_next_start(box: Sandbox) -> None:
    before, there_were = box.traffic_log.number, len(box.discord.commands.commands)
    box.discord.commands.delete(next(iter(box.discord.commands.commands)))
    await box.restart()
    assert len(box.traffic_log.find(_writes_commands, after=before)) == 1
    assert len(box.discord.commands.commands) == there_were


async def test_private_turns_are_only_for_the_same_members_private_questions_in_that_channel(
    box: Sandbox, ada: ClientUser, ben: ClientUser
) -> None:
    await ask(ada, "public one")
    assert (await ask(ada, "secret one", private=True)).private
    await ask(ben, "public two")
    assert asked(_newest(box)) == ["public one", "public two"]
    await ask(ben, "secret of Ben's", private=True)
    assert asked(_newest(box)) == ["secret of Ben's"]
    await ask(ada, "secret elsewhere", private=True, channel="#random")
    assert asked(_newest(box)) == ["secret elsewhere"]
    await box.restart()
    await ask(ada, "secret two", private=True)
    assert asked(_newest(box)) == ["secret one", "secret two"]
    await ask(ada, "public three")
    assert asked(_newest(box)) == ["public one", "public two", "public three"]


async def test_a_fresh_question_leaves_out_what_was_said_and_so_do_those_after_it(
    box: Sandbox, ada: ClientUser
) -> None:
    await ask(ada, "old")
    await ask(ada, "new", fresh=True)
    assert asked(_newest(box)) == ["new"]
    await ask(ada, "newer")
    assert asked(_newest(box)) == ["new", "newer"]


async def test_channels_threads_and_direct_messages_each_have_their_own_history(
    box: Sandbox, ada: ClientUser, ben: ClientUser
) -> None:
    for place in ("#general", "a thread", "#random", "dm"):
        await ask(ada, f"first in {place}", channel=place)
        assert asked(_newest(box)) == [f"first in {place}"]
    for place in ("#general", "a thread", "#random", "dm"):
        await ask(ada, f"second in {place}", channel=place)
        assert asked(_newest(box)) == [f"first in {place}", f"second in {place}"]
    await ask(ben, "first of Ben's", channel="dm")
    assert asked(_newest(box)) == ["first of Ben's"]


async def test_a_thread_uses_its_parents_model_also_after_a_restart(
    box: Sandbox, ada: ClientUser, mo: ClientUser
) -> None:
    await use(mo, "/channel model", model="gpt-4.1-mini", channel="#general")
    await ask(ada, "Who is this?", channel="a thread")
    await box.restart()
    await ask(ada, "Who is this?", channel="a thread")
    await ask(ada, "Who is this?", channel="#random")
    assert [call.body["model"] for call in box.openai.calls(CallKind.CHAT)] == [
        "gpt-4.1-mini",
        "gpt-4.1-mini",
        "gpt-4.1",
    ]


async def test_a_model_set_in_a_thread_is_the_parents(box: Sandbox, ada: ClientUser, mo: ClientUser) -> None:
    await use(mo, "/channel model", model="gpt-4o", channel="a thread")
    await ask(ada, "Who is this?", channel="#general")
    assert _newest(box).body["model"] == "gpt-4o"


async def test_only_as_many_turns_go_along_as_the_operator_allows_and_the_answer_says_so(open_box: OpenBox) -> None:
    box = await open_box({"HISTORY_TURNS": "2"})
    answers = [await ask(box.user("Ada"), f"question {number}") for number in range(4)]
    assert asked(_newest(box)) == ["question 1", "question 2", "question 3"]
    notes = [used.text.splitlines()[-1].startswith("-# I had only the last 2 questions") for used in answers]
    assert notes == [False, False, False, True]


async def test_a_model_that_reads_less_is_asked_once_more_with_less_and_the_answer_says_how_much(
    box: Sandbox, ada: ClientUser
) -> None:
    for number in range(4):
        await ask(ada, f"question {number}")
    box.openai.faults.next(CallKind.CHAT, CONTEXT_TOO_LONG)
    used = await ask(ada, "question 4")
    whole_request, shorter = [asked(call) for call in box.openai.calls(CallKind.CHAT)[-2:]]
    assert whole_request == [f"question {number}" for number in range(5)]
    dropped = len(whole_request) - len(shorter)
    assert shorter == whole_request[dropped:]
    assert 0 < dropped < 4
    told = f"so I left out the oldest {dropped} of 4 earlier questions and answers."
    assert used.text.splitlines()[-1] == f"-# That was more than this model reads at once, {told}"
    box.openai.faults.next(CallKind.CHAT, CONTEXT_TOO_LONG, times=2)
    assert "more than this model can read at once" in (await ask(ada, "question 5")).text
    assert len(box.openai.calls(CallKind.CHAT)) == 8
    await ask(ada, "question 6")
    assert asked(_newest(box)) == [f"question {number}" for number in (0, 1, 2, 3, 4, 6)]


async def test_an_answer_that_fails_is_no_turn(box: Sandbox, ada: ClientUser) -> None:
    box.openai.faults.next(CallKind.CHAT, Status(400))
    await ask(ada, "lost")
    await ask(ada, "kept")
    assert asked(_newest(box)) == ["kept"]


async def test_a_bot_killed_in_mid_answer_starts_again_and_answers(box: Sandbox, ada: ClientUser) -> None:
    await ask(ada, "before")
    box.openai.faults.next(CallKind.CHAT, Stall())
    await begun(await ada.command("/ask", prompt="while it dies"))
    assert await box.bot_process.kill() == -9
    await box.start()
    answer = await ask(ada, "after")
    assert answer.deferred
    assert asked(_newest(box)) == ["before", "after"]


async def test_a_database_that_is_newer_than_the_code_is_refused_and_left_as_it_is(
    open_box: OpenBox, tmp_path: Path
) -> None:
    box = await open_box(directory=tmp_path)
    await ask(box.user("Ada"), "Remember this.")
    await box.bot_process.stop()
    file = tmp_path / DATABASE
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA user_version = 999")
    before, lines = file.read_bytes(), len(box.bot_process.log)
    with pytest.raises(BotProcessDied):
        await box.start()
    assert box.bot_process.exit_status == 1
    (sentence,) = list(box.bot_process.log)[lines:]
    assert "written by a newer version of the bot" in sentence
    assert "update the bot" in sentence
    assert file.read_bytes() == before


def _writes_commands(entry: HttpExchange) -> bool:
    return entry.writes and entry.template.startswith("/applications/")


def _newest(box: Sandbox) -> ApiCall:
    """The chat request that was sent last."""
    return box.openai.calls(CallKind.CHAT)[-1]
