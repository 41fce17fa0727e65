"""Moves of the bot's voice that end half-way, and joins that come too often: it is heard where it is said to be."""

import pytest

from bot.messages import voice as texts
from bot.messages.render import render
from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.sandbox import Sandbox
from tests.support.correlation import resampled
from tests.support.e2e import ANY_NUMBER, DEADLINE_S, OpenSandbox, run_command, wait_until_final
from tests.support.listening import (
    LOUNGE,
    OTHER,
    has_left,
    idle,
    in_the_lounge,
    is_whole,
    late_packets,
    silence,
    speaking,
)

MOVERS = pytest.mark.parametrize("mover", ["command", "moderator"])
TOO_MUCH = render(texts.too_many_joins())
REMOVED = render(texts.removed_from_channel())


async def _move(mo: ClientUser, mover: str, where: str) -> InteractionResult | None:
    if mover == "moderator":
        mo.moves_bot(where)
        return None
    return await wait_until_final(await mo.command("/voice join", {"channel": mo.channel(where)}))


@MOVERS
async def test_a_move_is_heard_in_the_new_channel_though_the_old_connection_stays_open(
    open_sandbox: OpenSandbox, mover: str
) -> None:
    sandbox = await open_sandbox({**ANY_NUMBER, "VOICE_IDLE_SECONDS": "3"})
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    mo, ben = sandbox.user("Mo"), sandbox.user("Ben")
    ben.joins_voice(OTHER)
    used, before = await speaking(sandbox, ada)
    sandbox.voice.faults.half_open = True
    told = await _move(mo, mover, OTHER)
    assert told is None or told.text.startswith(f"I'm in <#{mo.channel(OTHER).id}> now.")
    heard = await silence(sandbox, since=before)
    await is_whole(used, resampled(heard.audible.pcm()), lost_s=0.5, late=late_packets(sandbox, before))
    assert len(heard.by(ben.user.id)) > 50
    assert (await run_command(ada, "/voice join")).text.startswith(f"I'm in <#{mo.channel(OTHER).id}> at the moment.")
    await has_left(sandbox)


@MOVERS
async def test_a_move_without_a_voice_server_is_made_good(open_sandbox: OpenSandbox, mover: str) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    mo, ben = sandbox.user("Mo"), sandbox.user("Ben")
    ben.joins_voice(OTHER)
    used, before = await speaking(sandbox, ada)
    sandbox.voice.faults.half_open = True
    sandbox.voice.faults.leave_unanswered("server update")
    told = await _move(mo, mover, OTHER)
    assert told is None or told.text.startswith(f"I'm in <#{mo.channel(OTHER).id}> now.")
    await sandbox.voice.until(lambda heard: len(heard.by(ben.user.id)) > 50, since=before, deadline_s=DEADLINE_S)
    heard = await silence(sandbox, since=before)
    await is_whole(used, resampled(heard.audible.pcm()), lost_s=0.5, late=late_packets(sandbox, before))
    assert (await run_command(ben, "/voice join")).text.startswith(f"I'm in <#{mo.channel(OTHER).id}> now.")


async def test_a_move_that_is_not_granted_leaves_it_heard_where_it_is(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    mo = sandbox.user("Mo")
    mo.joins_voice(OTHER)
    used, before = await speaking(sandbox, ada)
    sandbox.voice.faults.leave_unanswered("gateway")
    refused = await run_command(mo, "/voice join")
    assert refused.text == f"I couldn't join <#{mo.channel(OTHER).id}>. Please try again in a moment."
    heard = await silence(sandbox, since=before)
    await is_whole(used, resampled(heard.by(ada.user.id).pcm()))
    assert (await run_command(ada, "/voice join")).text.startswith(f"I'm in <#{ada.channel(LOUNGE).id}> now.")


async def test_moved_again_while_it_connects_it_is_heard_where_it_was_moved_last(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    mo, ben = sandbox.user("Mo"), sandbox.user("Ben")
    ben.joins_voice(OTHER)
    used, before = await speaking(sandbox, ada)
    for where in (OTHER, LOUNGE, OTHER, LOUNGE, OTHER):
        mo.moves_bot(where)
    await sandbox.voice.relocate_server()
    await sandbox.voice.until(lambda heard: len(heard.by(ben.user.id)) > 50, since=before, deadline_s=DEADLINE_S)
    heard = await silence(sandbox, since=before)
    await is_whole(used, resampled(heard.audible.pcm()), lost_s=1, late=late_packets(sandbox, before))
    await idle(ada)


async def test_moved_and_taken_out_at_once_it_stays_out_and_says_so(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    mo = sandbox.user("Mo")
    await speaking(sandbox, ada)
    mo.moves_bot(OTHER)
    mo.kicks_bot()
    await sandbox.traffic_log.changed.until(
        lambda: any(each.content == REMOVED for each in ada.sees("#general")), deadline_s=DEADLINE_S, what=REMOVED
    )
    assert sandbox.voice.call() is None
    assert (await run_command(ada, "/voice queue")).text.startswith("I'm not in a voice channel here.")


async def test_a_connection_that_says_nothing_it_can_read_is_made_anew(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    used, before = await speaking(sandbox, ada)
    call = sandbox.voice.call()
    assert call is not None
    assert call.connection is not None
    call.connection.queue.put_nowait("{")
    await sandbox.voice.until(
        lambda it: len({each.call for each in it.speech.packets}) == 2, since=before, deadline_s=DEADLINE_S
    )
    heard = await silence(sandbox, since=before)
    await is_whole(used, resampled(heard.audible.pcm()), lost_s=0.5, late=late_packets(sandbox, before))


async def test_too_much_coming_and_going_is_refused_and_leaving_never(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    ada = sandbox.user("Ada")
    ada.joins_voice(LOUNGE)
    for _ in range(10):
        assert (await run_command(ada, "/voice join")).text.startswith("I'm in <#")
        assert (await run_command(ada, "/voice leave")).text == "I've left the voice channel."
    refused = await run_command(ada, "/voice join")
    assert refused.private
    assert refused.text == TOO_MUCH
    said = await run_command(ada, "/say", text="At least the file.", play=True)
    assert said.messages[0].attachments
    assert TOO_MUCH in said.text


async def test_a_storm_leaves_no_task_pending_and_no_error_in_the_log(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({**ANY_NUMBER, "LOG_LEVEL": "INFO"})
    mo, ada = sandbox.user("Mo"), sandbox.user("Ada")
    await in_the_lounge(sandbox, ada, mo)
    await _storm(sandbox, ada, mo)
    await sandbox.restart()
    loud = [line for line in sandbox.bot_process.log if any(word in line for word in (" ERROR ", "Traceback", "Task "))]
    assert loud == []


async def _storm(sandbox: Sandbox, ada: ClientUser, mo: ClientUser) -> None:
    """Break connections in every way, while something is said and while nothing is, and joins at every step."""
    await run_command(ada, "/say", text="Words for the storm. " * 20)
    for code in (4006, 4015):
        sandbox.voice.end(code)
        await _calls(sandbox)
    sandbox.voice.abort()
    await _calls(sandbox)
    for where in (OTHER, LOUNGE, OTHER):
        mo.moves_bot(where)
        await _calls(sandbox)
    await sandbox.voice.relocate_server()
    await _calls(sandbox)
    sandbox.voice.faults.leave_unanswered("websocket")
    sandbox.voice.abort()
    await _calls(sandbox)
    mo.kicks_bot()
    await has_left(sandbox)
    for code in (4004, 4006):
        sandbox.voice.faults.close_next(code)
        await run_command(ada, "/voice join")
    for silent in ("gateway", "server update"):
        sandbox.voice.faults.leave_unanswered(silent)
        await run_command(ada, "/voice join")
    sandbox.voice.faults.half_open = True
    await run_command(ada, "/voice join")
    await wait_until_final(await mo.command("/voice join", {"channel": mo.channel(OTHER)}))
    await run_command(mo, "/voice leave")


async def _calls(sandbox: Sandbox) -> None:
    """Wait until the bot has a voice connection again."""

    def connected() -> bool:
        call = sandbox.voice.call()
        return call is not None and call.connected and call.described

    await sandbox.voice.changed.until(connected, deadline_s=DEADLINE_S, what="a connection")
