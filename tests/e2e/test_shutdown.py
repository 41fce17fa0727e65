"""Stopping in good order: what can be finished is, the rest says that it isn't, and the exit status is clean."""

import asyncio
import os
import signal
import time

import pytest

from sandbox.bot_process import BotProcessDied
from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.discord.http.faults import HttpFault
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Hang, Slow
from sandbox.sandbox import Sandbox
from tests.support.e2e import (
    DEADLINE_S,
    INTERRUPTED,
    INTERRUPTED_BEFORE_TEXT,
    OpenSandbox,
    all_of,
    question_contains,
    run_command,
    wait_until_final,
    wait_until_started,
)

MARK = f"\n{INTERRUPTED}"
GRACE_S = 7.0
INVALID_VERSION = 4012
"""A close code after which discord.py does not connect again."""


async def test_an_answer_of_3_seconds_finishes_and_one_of_60_ends_marked_within_the_grace(
    sandbox: Sandbox, ada: ClientUser, ben: ClientUser
) -> None:
    short, long = await _answering_for(sandbox, ada, 3), await _answering_for(sandbox, ben, 60)
    await all_of(wait_until_started(used) for used in (short, long))
    since = time.monotonic()
    stopping = asyncio.create_task(_stop(sandbox))
    await wait_until_final(long)
    assert time.monotonic() - since <= GRACE_S
    assert await stopping == 0
    assert short.text == "word " * 29 + "word"
    assert long.text.endswith(MARK)
    assert long.text.startswith("word word")


async def test_an_interrupted_answer_is_remembered_as_far_as_it_went(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({"SHUTDOWN_GRACE_SECONDS": "0"})
    ada = sandbox.user("Ada")
    used = await wait_until_started(await _answering_for(sandbox, ada, 60))
    assert await _stop(sandbox) == 0
    await sandbox.start()
    await run_command(ada, "/ask", prompt="Where were we?")
    kept = sandbox.openai.calls(CallKind.CHAT)[-1].messages[-2]["content"]
    assert kept.strip() == used.text.removesuffix(MARK)


@pytest.mark.parametrize("fault", [HttpFault(), HttpFault(500)], ids=["reset", "500"])
async def test_what_discord_did_not_take_at_the_end_is_said_at_the_next_start(
    open_sandbox: OpenSandbox, fault: HttpFault
) -> None:
    sandbox = await open_sandbox({"SHUTDOWN_GRACE_SECONDS": "0"})
    sandbox.openai.faults.always(CallKind.CHAT, Hang())
    used = await sandbox.user("Ada").command("/ask", prompt="Something.")
    asked = await sandbox.user("Ben").asks("Something.")
    await sandbox.openai.until(lambda: len(sandbox.openai.calls(CallKind.CHAT)) == 2, deadline_s=DEADLINE_S)
    for path in ("/messages/@original", "/messages"):
        sandbox.discord.http_faults.next("*", path, fault, times=1000)
    assert await _stop(sandbox) == 0
    sandbox.discord.http_faults.clear()
    await sandbox.start()
    assert (await wait_until_final(used)).text == INTERRUPTED_BEFORE_TEXT
    assert (await wait_until_final(asked)).text == INTERRUPTED_BEFORE_TEXT


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_hurries(open_sandbox: OpenSandbox, number: signal.Signals) -> None:
    sandbox = await open_sandbox({"SHUTDOWN_GRACE_SECONDS": "600"})
    used = await wait_until_started(await _answering_for(sandbox, sandbox.user("Ada"), 60))
    stopping = asyncio.create_task(_stop(sandbox))
    await sandbox.bot_process.until_logged("stopping")
    assert sandbox.bot_process.pid is not None
    os.kill(sandbox.bot_process.pid, number)
    assert await asyncio.wait_for(stopping, DEADLINE_S) == 0
    assert used.text.endswith(MARK)


async def test_the_answers_of_a_bot_whose_connection_discord_ends_are_shown_to_their_end(
    sandbox: Sandbox, ada: ClientUser, ben: ClientUser
) -> None:
    short, long = await _answering_for(sandbox, ada, 3), await _answering_for(sandbox, ben, 60)
    await all_of(wait_until_started(used) for used in (short, long))
    await sandbox.discord.gateway.disconnect_all(code=INVALID_VERSION)
    assert await asyncio.wait_for(sandbox.bot_process.wait(), DEADLINE_S) == 1
    assert short.text == "word " * 29 + "word"
    assert long.text.endswith(MARK)
    assert sandbox.bot_process.log[-1] == "Discord ended the connection with code 4012"


async def test_no_request_in_flight_is_left_after_a_clean_stop(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({"SHUTDOWN_GRACE_SECONDS": "0"})
    ada = sandbox.user("Ada")
    sandbox.openai.faults.next(CallKind.CHAT, Hang())
    await ada.command("/ask", prompt="Something.")
    await sandbox.openai.until(lambda: bool(sandbox.openai.calls(CallKind.CHAT)), DEADLINE_S)
    assert await _stop(sandbox) == 0
    lines = len(sandbox.bot_process.log)
    await sandbox.start()
    await run_command(ada, "/help")
    assert not [
        line
        for line in list(sandbox.bot_process.log)[lines:]
        if "dead process taken over" in line or "interrupted" in line
    ]


async def test_no_session_is_begun_when_discord_allows_none(sandbox: Sandbox) -> None:
    await sandbox.bot_process.stop()
    identified = sandbox.discord.gateway.readies
    sandbox.discord.gateway.identifies_left, sandbox.discord.gateway.identifies_reset_in_s = 0, 0.5
    await sandbox.bot_process.start()
    line = await sandbox.bot_process.until_logged("no session starts left", deadline_s=DEADLINE_S)
    assert sandbox.discord.gateway.readies == identified
    assert "wait_s=2" in line
    sandbox.discord.gateway.identifies_left = 1
    await sandbox.traffic_log.changed.until(
        lambda: sandbox.discord.gateway.readies == identified + 1, deadline_s=DEADLINE_S, what="the bot"
    )


async def test_a_lost_session_is_not_begun_anew_when_discord_allows_none(sandbox: Sandbox, ada: ClientUser) -> None:
    await sandbox.bot_process.until_logged("ready")
    sandbox.discord.gateway.identifies_left = 0
    await sandbox.discord.gateway.disconnect_all(code=4000, forget=True)
    await sandbox.bot_process.until_logged("no session starts left", deadline_s=DEADLINE_S)
    assert sandbox.bot_process.running
    sandbox.discord.gateway.identifies_left = 1
    identified = sandbox.discord.gateway.readies
    await sandbox.traffic_log.changed.until(
        lambda: sandbox.discord.gateway.readies == identified + 1, deadline_s=DEADLINE_S, what="the bot"
    )
    assert (await run_command(ada, "/help")).private


async def test_a_token_that_is_changed_while_the_bot_runs_ends_it_with_its_sentence(sandbox: Sandbox) -> None:
    await sandbox.bot_process.until_logged("ready")
    await sandbox.discord.gateway.disconnect_all(code=4004, forget=True)
    assert await asyncio.wait_for(sandbox.bot_process.wait(), DEADLINE_S) == 2
    assert sandbox.bot_process.log[-1].startswith("DISCORD_TOKEN: Discord refused it")


async def test_a_refused_intent_ends_it_with_its_sentence(sandbox: Sandbox) -> None:
    await sandbox.bot_process.until_logged("ready")
    await sandbox.discord.gateway.disconnect_all(code=4014, forget=True)
    assert await asyncio.wait_for(sandbox.bot_process.wait(), DEADLINE_S) == 2
    assert sandbox.bot_process.log[-1].startswith("Discord refused an intent")
    sandbox.bot_process.settings["MESSAGE_CONTENT"] = "true"
    with pytest.raises(BotProcessDied):
        await sandbox.start()
    assert (sandbox.bot_process.exit_status, sandbox.bot_process.log[-1].split(":")[0]) == (2, "MESSAGE_CONTENT")


async def _answering_for(sandbox: Sandbox, person: ClientUser, seconds: int) -> InteractionResult:
    """Ask something whose answer takes so long."""
    about = f"for {seconds} seconds"
    sandbox.openai.script(["word "] * 30, when=question_contains(about))
    sandbox.openai.faults.next(CallKind.CHAT, Slow(pace_s=seconds / 30), when=question_contains(about))
    return await person.command("/ask", prompt=about)


async def _stop(sandbox: Sandbox) -> int:
    return await sandbox.bot_process.stop(within_s=DEADLINE_S)
