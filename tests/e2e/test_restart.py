"""What is remembered: over a restart, between members, channels, threads and direct messages."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import ContextTooLong
from bot.messages import answers as texts
from bot.messages.render import render
from sandbox.bot_process import BotProcessDied
from sandbox.client.user import ClientUser
from sandbox.discord.traffic_log import HttpExchange
from sandbox.openai.calls import ApiCall, CallKind
from sandbox.openai.faults import CONTEXT_TOO_LONG, Stall, Status
from sandbox.sandbox import Sandbox
from tests.support.e2e import OpenSandbox, ask, run_command, sent_questions, sent_texts, wait_until_started

DATABASE = Path("data/bot.db")


async def test_after_a_restart_a_follow_up_carries_the_earlier_turns(
    sandbox: Sandbox, ada: ClientUser, ben: ClientUser
) -> None:
    first = await ask(ada, "What is a monad?")
    second = await ask(ben, "And what is a comonad?")
    assert await sandbox.restart() == 0
    await ask(ada, "Which one did I ask about?")
    carried = sent_texts(_newest(sandbox))
    assert carried == [
        "What is a monad?",
        first.text,
        "And what is a comonad?",
        second.text,
        "Which one did I ask about?",
    ]
    speakers = [message["content"].split("\n")[0] for message in _newest(sandbox).messages if message["role"] == "user"]
    assert speakers == ['{"speaker": "Ada"}', '{"speaker": "Ben"}', '{"speaker": "Ada"}']


async def test_a_second_start_writes_nothing_to_the_commands(sandbox: Sandbox, ada: ClientUser) -> None:
    assert len(sandbox.traffic_log.find(_writes_commands)) == 1
    first_start = sandbox.traffic_log.number
    await sandbox.restart()
    assert (await run_command(ada, "/help")).private
    assert sandbox.traffic_log.find(lambda entry: entry.template.endswith("/commands"), after=first_start)
    assert sandbox.traffic_log.find(_writes_commands, after=first_start) == []


async def test_changed_commands_are_written_again_at_the_next_start(sandbox: Sandbox) -> None:
    before, there_were = sandbox.traffic_log.number, len(sandbox.discord.commands.commands)
    sandbox.discord.commands.delete(next(iter(sandbox.discord.commands.commands)))
    await sandbox.restart()
    assert len(sandbox.traffic_log.find(_writes_commands, after=before)) == 1
    assert len(sandbox.discord.commands.commands) == there_were


async def test_private_turns_are_only_for_the_same_members_private_questions_in_that_channel(
    sandbox: Sandbox, ada: ClientUser, ben: ClientUser
) -> None:
    await ask(ada, "public one")
    assert (await ask(ada, "secret one", private=True)).private
    await ask(ben, "public two")
    assert sent_questions(_newest(sandbox)) == ["public one", "public two"]
    await ask(ben, "secret of Ben's", private=True)
    assert sent_questions(_newest(sandbox)) == ["secret of Ben's"]
    await ask(ada, "secret elsewhere", private=True, channel="#random")
    assert sent_questions(_newest(sandbox)) == ["secret elsewhere"]
    await sandbox.restart()
    await ask(ada, "secret two", private=True)
    assert sent_questions(_newest(sandbox)) == ["secret one", "secret two"]
    await ask(ada, "public three")
    assert sent_questions(_newest(sandbox)) == ["public one", "public two", "public three"]


async def test_a_fresh_question_leaves_out_what_was_said_and_so_do_those_after_it(
    sandbox: Sandbox, ada: ClientUser
) -> None:
    await ask(ada, "old")
    await ask(ada, "new", fresh=True)
    assert sent_questions(_newest(sandbox)) == ["new"]
    await ask(ada, "newer")
    assert sent_questions(_newest(sandbox)) == ["new", "newer"]


async def test_channels_threads_and_direct_messages_each_have_their_own_history(
    sandbox: Sandbox, ada: ClientUser, ben: ClientUser
) -> None:
    for place in ("#general", "a thread", "#random", "dm"):
        await ask(ada, f"first in {place}", channel=place)
        assert sent_questions(_newest(sandbox)) == [f"first in {place}"]
    for place in ("#general", "a thread", "#random", "dm"):
        await ask(ada, f"second in {place}", channel=place)
        assert sent_questions(_newest(sandbox)) == [f"first in {place}", f"second in {place}"]
    await ask(ben, "first of Ben's", channel="dm")
    assert sent_questions(_newest(sandbox)) == ["first of Ben's"]


async def test_a_thread_uses_its_parents_model_also_after_a_restart(
    sandbox: Sandbox, ada: ClientUser, mo: ClientUser
) -> None:
    await run_command(mo, "/channel model", model="gpt-4.1-mini", channel="#general")
    await ask(ada, "Who is this?", channel="a thread")
    await sandbox.restart()
    await ask(ada, "Who is this?", channel="a thread")
    await ask(ada, "Who is this?", channel="#random")
    assert [call.body["model"] for call in sandbox.openai.calls(CallKind.CHAT)] == [
        "gpt-4.1-mini",
        "gpt-4.1-mini",
        "gpt-4.1",
    ]


async def test_a_model_set_in_a_thread_is_the_parents(sandbox: Sandbox, ada: ClientUser, mo: ClientUser) -> None:
    await run_command(mo, "/channel model", model="gpt-4o", channel="a thread")
    await ask(ada, "Who is this?", channel="#general")
    assert _newest(sandbox).body["model"] == "gpt-4o"


async def test_only_as_many_turns_go_along_as_the_operator_allows_and_the_answer_says_so(
    open_sandbox: OpenSandbox,
) -> None:
    sandbox = await open_sandbox({"HISTORY_TURNS": "2"})
    answers = [await ask(sandbox.user("Ada"), f"question {number}") for number in range(4)]
    assert sent_questions(_newest(sandbox)) == ["question 1", "question 2", "question 3"]
    omission = f"-# {render(texts.only_newest_history_fits(2))}"
    notes = [used.text.splitlines()[-1] == omission for used in answers]
    assert notes == [False, False, False, True]


async def test_a_model_that_reads_less_is_asked_once_more_with_less_and_the_answer_says_how_much(
    sandbox: Sandbox, ada: ClientUser
) -> None:
    for number in range(4):
        await ask(ada, f"question {number}")
    sandbox.openai.faults.next(CallKind.CHAT, CONTEXT_TOO_LONG)
    used = await ask(ada, "question 4")
    whole_request, shorter = [sent_questions(call) for call in sandbox.openai.calls(CallKind.CHAT)[-2:]]
    assert whole_request == [f"question {number}" for number in range(5)]
    dropped = len(whole_request) - len(shorter)
    assert shorter == whole_request[dropped:]
    assert 0 < dropped < 4
    assert used.text.splitlines()[-1] == f"-# {render(texts.model_reads_less_history(dropped, 4))}"
    sandbox.openai.faults.next(CallKind.CHAT, CONTEXT_TOO_LONG, times=2)
    assert (await ask(ada, "question 5")).text == render(ContextTooLong.message)
    assert len(sandbox.openai.calls(CallKind.CHAT)) == 8
    await ask(ada, "question 6")
    assert sent_questions(_newest(sandbox)) == [f"question {number}" for number in (0, 1, 2, 3, 4, 6)]


async def test_an_answer_that_fails_is_no_turn(sandbox: Sandbox, ada: ClientUser) -> None:
    sandbox.openai.faults.next(CallKind.CHAT, Status(400))
    await ask(ada, "lost")
    await ask(ada, "kept")
    assert sent_questions(_newest(sandbox)) == ["kept"]


async def test_a_bot_killed_in_mid_answer_starts_again_and_answers(sandbox: Sandbox, ada: ClientUser) -> None:
    await ask(ada, "before")
    sandbox.openai.faults.next(CallKind.CHAT, Stall())
    await wait_until_started(await ada.command("/ask", prompt="while it dies"))
    assert await sandbox.bot_process.kill() == -9
    await sandbox.start()
    answer = await ask(ada, "after")
    assert answer.deferred
    assert sent_questions(_newest(sandbox)) == ["before", "after"]


async def test_a_database_that_is_newer_than_the_code_is_refused_and_left_as_it_is(
    open_sandbox: OpenSandbox, tmp_path: Path
) -> None:
    sandbox = await open_sandbox(directory=tmp_path)
    await ask(sandbox.user("Ada"), "Remember this.")
    await sandbox.bot_process.stop()
    file = tmp_path / DATABASE
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA user_version = 999")
    before, lines = file.read_bytes(), len(sandbox.bot_process.log)
    with pytest.raises(BotProcessDied):
        await sandbox.start()
    assert sandbox.bot_process.exit_status == 1
    (sentence,) = list(sandbox.bot_process.log)[lines:]
    assert "written by a newer version of the bot" in sentence
    assert "update the bot" in sentence
    assert file.read_bytes() == before


def _writes_commands(entry: HttpExchange) -> bool:
    return entry.writes and entry.template.startswith("/applications/")


def _newest(sandbox: Sandbox) -> ApiCall:
    """The chat request that was sent last."""
    return sandbox.openai.calls(CallKind.CHAT)[-1]
