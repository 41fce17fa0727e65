"""A message deleted in Discord appears in no later request, however it was deleted."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ChannelRef, ClientUser
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Stall
from sandbox.sandbox import Sandbox
from tests.support.e2e import (
    DEADLINE_S,
    OpenSandbox,
    ask,
    is_streaming,
    run_command,
    sent_questions,
    sent_texts,
    wait_until_started,
)


async def said(person: ClientUser, *questions: str, channel: ChannelRef = None) -> list[InteractionResult]:
    """Ask one question after the other."""
    return [await ask(person, question, channel=channel) for question in questions]


async def carried(sandbox: Sandbox, person: ClientUser, channel: ChannelRef = None) -> list[str]:
    """Ask something, and tell which earlier questions went to the API with it; an answer goes only with its own."""
    await ask(person, "and now?", channel=channel)
    call = sandbox.openai.calls(CallKind.CHAT)[-1]
    assert len(sent_texts(call)) == 2 * len(sent_questions(call)) - 1
    return sent_questions(call)[:-1]


async def listed(person: ClientUser, channel: ChannelRef = None) -> str:
    """What `/history show` tells."""
    return (await run_command(person, "/history show", channel=channel)).text


@pytest.mark.parametrize("by", ["Mo", "the bot itself"])
async def test_a_deleted_answer_takes_its_question_with_it(
    sandbox: Sandbox, ada: ClientUser, mo: ClientUser, by: str
) -> None:
    _, second, _ = await said(ada, "first tide", "second tide", "third tide")
    if by == "Mo":
        mo.deletes(second.messages[0])
    else:
        sandbox.discord.deletions.message(second.messages[0])
    assert await carried(sandbox, ada) == ["first tide", "third tide"]
    assert second.text not in sent_texts(sandbox.openai.calls(CallKind.CHAT)[-1])


async def test_one_message_of_a_long_answer_is_enough(sandbox: Sandbox, ada: ClientUser, mo: ClientUser) -> None:
    sandbox.openai.script("A word. " * 600, every=400)
    long = await ada.command("/ask", prompt="long")
    await long.until(lambda shown: len(shown.text) >= 4700 and not is_streaming(shown), deadline_s=DEADLINE_S)
    assert len(long.messages) == 3
    await sandbox.bot_process.until_logged(
        "request command=ask", deadline_s=DEADLINE_S
    )  # until then the last one is on its way
    mo.deletes(long.messages[-1])
    assert await carried(sandbox, ada) == []


async def test_messages_deleted_together_are_all_forgotten(sandbox: Sandbox, ada: ClientUser, mo: ClientUser) -> None:
    used = await said(ada, "first tide", "second tide", "third tide")
    mo.deletes_together(used[0].messages[0], used[2].messages[0])
    assert await carried(sandbox, ada) == ["second tide"]


async def test_what_was_deleted_stays_so_after_a_restart(sandbox: Sandbox, ada: ClientUser, mo: ClientUser) -> None:
    first, _ = await said(ada, "first tide", "second tide")
    mo.deletes(first.messages[0])
    await sandbox.bot_process.until_logged("turns deleted turns=1", deadline_s=DEADLINE_S)
    await sandbox.restart()
    assert await carried(sandbox, ada) == ["second tide"]
    assert "> first tide" not in await listed(ada)


async def test_a_fresh_start_that_was_deleted_brings_nothing_back(
    sandbox: Sandbox, ada: ClientUser, mo: ClientUser
) -> None:
    await said(ada, "first tide")
    fresh = await ask(ada, "second tide", fresh=True)
    mo.deletes(fresh.messages[0])
    assert await carried(sandbox, ada) == []


async def test_a_deleted_thread_and_a_deleted_channel_are_forgotten(
    sandbox: Sandbox, ada: ClientUser, mo: ClientUser
) -> None:
    await said(ada, "in general")
    await said(ada, "in the thread", channel="a thread")
    await said(ada, "in random", channel="#random")
    mo.deletes_channel("a thread")
    await sandbox.bot_process.until_logged("turns deleted turns=1", deadline_s=DEADLINE_S)
    shown = (await run_command(ada, "/privacy show", channel="#random")).text
    assert "2 questions" in shown
    mo.deletes_channel("#general")
    assert await carried(sandbox, ada, channel="#random") == ["in random"]
    shown = (await run_command(ada, "/privacy show", channel="#random")).text
    assert "2 questions" in shown


async def test_a_channel_takes_what_was_said_in_its_threads_along(
    sandbox: Sandbox, ada: ClientUser, mo: ClientUser
) -> None:
    await said(ada, "in the thread", channel="a thread")
    await ask(ada, "a secret there", channel="a thread", private=True)
    await said(ada, "in general")
    ada.channel("a thread").archived = True
    await sandbox.restart()
    mo.deletes_channel("#general")
    await sandbox.bot_process.until_logged("turns deleted turns=3", deadline_s=DEADLINE_S)
    assert "No questions" in (await run_command(ada, "/privacy show", channel="#random")).text


async def test_an_answer_deleted_while_it_is_written_is_not_remembered(
    sandbox: Sandbox, ada: ClientUser, mo: ClientUser
) -> None:
    sandbox.openai.faults.next(CallKind.CHAT, Stall())
    writing = await wait_until_started(await ada.command("/ask", prompt="a tide to be deleted"))
    mo.deletes(writing.messages[0])
    sandbox.openai.faults.release()
    await sandbox.bot_process.until_logged("request command=ask", deadline_s=DEADLINE_S)
    assert await carried(sandbox, ada) == []


async def test_in_a_direct_message_members_delete_only_their_own(sandbox: Sandbox, ada: ClientUser) -> None:
    (used,) = await said(ada, "in private", channel="dm")
    sandbox.discord.deletions.message(used.messages[0])
    assert await carried(sandbox, ada, channel="dm") == []


async def test_old_turns_are_swept_at_the_start(open_sandbox: OpenSandbox, tmp_path: Path) -> None:
    sandbox = await open_sandbox({"HISTORY_RETENTION_DAYS": "2"}, directory=tmp_path)
    ada = sandbox.user("Ada")
    await said(ada, "old tide", "new tide")
    await sandbox.bot_process.stop()
    age(tmp_path, "old tide", days=3)
    await sandbox.start()
    await sandbox.bot_process.until_logged("retention sweep done turns=1", deadline_s=DEADLINE_S)
    assert await carried(sandbox, ada) == ["new tide"]


async def test_discord_tells_the_time_whatever_way_its_address_is_written(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox()
    await sandbox.bot_process.until_logged("retention sweep done turns=0", deadline_s=DEADLINE_S)
    lines = len(sandbox.bot_process.log)
    await sandbox.restart({"DISCORD_API_BASE_URL": sandbox.discord.base_url.replace("127.0.0.1", "LocalHost")})
    await sandbox.bot_process.changed.until(
        lambda: any("retention sweep done turns=0" in line for line in list(sandbox.bot_process.log)[lines:]),
        deadline_s=DEADLINE_S,
        what="the sweep",
    )


async def test_a_clock_far_from_discords_deletes_nothing(open_sandbox: OpenSandbox, tmp_path: Path) -> None:
    """Seen from the bot, a Discord of 400 days ago is a wall clock that is 400 days ahead."""
    sandbox = await open_sandbox(directory=tmp_path)
    ada = sandbox.user("Ada")
    await said(ada, "a tide", "another tide")
    await sandbox.bot_process.until_logged("retention sweep done turns=0", deadline_s=DEADLINE_S)
    await sandbox.bot_process.stop()
    age(tmp_path, "a tide", days=40)
    sandbox.discord.state.clock_ahead_s = -400 * 86_400
    await sandbox.start()
    assert "a tide" in await listed(ada)
    await sandbox.bot_process.stop()
    assert sum("retention sweep done" in line for line in sandbox.bot_process.log) == 1
    sandbox.discord.state.clock_ahead_s = 0
    await sandbox.start()
    await sandbox.bot_process.until_logged("retention sweep done turns=1", deadline_s=DEADLINE_S)


def age(directory: Path, question: str, *, days: int) -> None:
    """Make a kept question older than it is."""
    with closing(sqlite3.connect(directory / "data/bot.db", isolation_level=None)) as database:
        changed = database.execute(
            "UPDATE turns SET created_at_ms = created_at_ms - ? WHERE question = ?", (days * 86_400_000, question)
        )
        assert changed.rowcount == 1
