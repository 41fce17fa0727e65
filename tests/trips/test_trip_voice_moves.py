"""Moves of the bot's voice that end half-way, and joins that come too often: it is heard where it is said to be."""

import pytest

from bot.discord_ui.voice.close_codes import REMOVED
from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.sandbox import Sandbox
from tests.support.correlation import resampled
from tests.support.listening import LOUNGE, OTHER, has_left, idle, in_the_lounge, is_whole, silence, speaking
from tests.support.trip_box import ANY_NUMBER, DEADLINE_S, OpenBox, use, whole

MOVERS = pytest.mark.parametrize("mover", ["command", "moderator"])
TOO_MUCH = "That's too much coming and going. Please try again in a moment."


async def _move(mo: ClientUser, mover: str, where: str) -> InteractionResult | None:
    if mover == "moderator":
        mo.moves_bot(where)
        return None
    return await whole(await mo.command("/voice join", {"channel": mo.channel(where)}))


@MOVERS
async def test_a_move_is_heard_in_the_new_channel_though_the_old_connection_stays_open(
    open_box: OpenBox, mover: str
) -> None:
    box = await open_box({**ANY_NUMBER, "VOICE_IDLE_SECONDS": "3"})
    (ada,) = await in_the_lounge(box, box.user("Ada"))
    mo, ben = box.user("Mo"), box.user("Ben")
    ben.joins_voice(OTHER)
    used, before = await speaking(box, ada)
    box.voice.faults.half_open = True
    told = await _move(mo, mover, OTHER)
    assert told is None or told.text.startswith(f"I'm in <#{mo.channel(OTHER).id}> now.")
    heard = await silence(box, since=before)
    is_whole(used, resampled(heard.audible.pcm()), lost_s=0.5)
    assert len(heard.by(ben.user.id)) > 50
    assert (await use(ada, "/voice join")).text.startswith(f"I'm in <#{mo.channel(OTHER).id}> at the moment.")
    await has_left(box)


@MOVERS
async def test_a_move_without_a_voice_server_is_made_good(open_box: OpenBox, mover: str) -> None:
    box = await open_box(ANY_NUMBER)
    (ada,) = await in_the_lounge(box, box.user("Ada"))
    mo, ben = box.user("Mo"), box.user("Ben")
    ben.joins_voice(OTHER)
    used, before = await speaking(box, ada)
    box.voice.faults.half_open = True
    box.voice.faults.leave_unanswered("server update")
    told = await _move(mo, mover, OTHER)
    assert told is None or told.text.startswith(f"I'm in <#{mo.channel(OTHER).id}> now.")
    await box.voice.until(lambda heard: len(heard.by(ben.user.id)) > 50, since=before, deadline_s=DEADLINE_S)
    heard = await silence(box, since=before)
    is_whole(used, resampled(heard.audible.pcm()), lost_s=0.5)
    assert (await use(ben, "/voice join")).text.startswith(f"I'm in <#{mo.channel(OTHER).id}> now.")


async def test_a_move_that_is_not_granted_leaves_it_heard_where_it_is(open_box: OpenBox) -> None:
    box = await open_box(ANY_NUMBER)
    (ada,) = await in_the_lounge(box, box.user("Ada"))
    mo = box.user("Mo")
    mo.joins_voice(OTHER)
    used, before = await speaking(box, ada)
    box.voice.faults.leave_unanswered("gateway")
    refused = await use(mo, "/voice join")
    assert refused.text == f"I couldn't get into <#{mo.channel(OTHER).id}>. Please try again in a moment."
    heard = await silence(box, since=before)
    is_whole(used, resampled(heard.by(ada.user.id).pcm()))
    assert (await use(ada, "/voice join")).text.startswith(f"I'm in <#{ada.channel(LOUNGE).id}> now.")


async def test_moved_again_while_it_connects_it_is_heard_where_it_was_moved_last(open_box: OpenBox) -> None:
    box = await open_box(ANY_NUMBER)
    (ada,) = await in_the_lounge(box, box.user("Ada"))
    mo, ben = box.user("Mo"), box.user("Ben")
    ben.joins_voice(OTHER)
    used, before = await speaking(box, ada)
    for where in (OTHER, LOUNGE, OTHER, LOUNGE, OTHER):
        mo.moves_bot(where)
    await box.voice.relocate_server()
    await box.voice.until(lambda heard: len(heard.by(ben.user.id)) > 50, since=before, deadline_s=DEADLINE_S)
    heard = await silence(box, since=before)
    is_whole(used, resampled(heard.audible.pcm()), lost_s=1)
    await idle(ada)


async def test_moved_and_taken_out_at_once_it_stays_out_and_says_so(open_box: OpenBox) -> None:
    box = await open_box(ANY_NUMBER)
    (ada,) = await in_the_lounge(box, box.user("Ada"))
    mo = box.user("Mo")
    await speaking(box, ada)
    mo.moves_bot(OTHER)
    mo.kicks_bot()
    await box.traffic_log.changed.until(
        lambda: any(each.content == REMOVED for each in ada.sees("#general")), deadline_s=DEADLINE_S, what=REMOVED
    )
    assert box.voice.call() is None
    assert (await use(ada, "/voice queue")).text.startswith("I'm in no voice channel here.")


async def test_a_connection_that_says_nothing_it_can_read_is_made_anew(open_box: OpenBox) -> None:
    box = await open_box(ANY_NUMBER)
    (ada,) = await in_the_lounge(box, box.user("Ada"))
    used, before = await speaking(box, ada)
    call = box.voice.call()
    assert call is not None
    assert call.connection is not None
    call.connection.queue.put_nowait("{")
    await box.voice.until(
        lambda it: len({each.call for each in it.speech.packets}) == 2, since=before, deadline_s=DEADLINE_S
    )
    heard = await silence(box, since=before)
    is_whole(used, resampled(heard.audible.pcm()), lost_s=0.5)


async def test_too_much_coming_and_going_is_refused_and_leaving_never(open_box: OpenBox) -> None:
    box = await open_box(ANY_NUMBER)
    ada = box.user("Ada")
    ada.joins_voice(LOUNGE)
    for _ in range(10):
        assert (await use(ada, "/voice join")).text.startswith("I'm in <#")
        assert (await use(ada, "/voice leave")).text == "I've left the voice channel."
    refused = await use(ada, "/voice join")
    assert refused.private
    assert refused.text == TOO_MUCH
    said = await use(ada, "/say", text="At least the file.", play=True)
    assert said.messages[0].attachments
    assert TOO_MUCH in said.text


async def test_a_storm_leaves_no_task_pending_and_no_error_in_the_log(open_box: OpenBox) -> None:
    box = await open_box({**ANY_NUMBER, "LOG_LEVEL": "INFO"})
    mo, ada = box.user("Mo"), box.user("Ada")
    await in_the_lounge(box, ada, mo)
    await _storm(box, ada, mo)
    await box.restart()
    loud = [line for line in box.bot_process.log if any(word in line for word in (" ERROR ", "Traceback", "Task "))]
    assert loud == []


async def _storm(box: Sandbox, ada: ClientUser, mo: ClientUser) -> None:
    """Break connections in every way, while something is said and while nothing is, and joins at every step."""
    await use(ada, "/say", text="Words for the storm. " * 20)
    for code in (4006, 4015):
        box.voice.end(code)
        await _calls(box)
    box.voice.abort()
    await _calls(box)
    for where in (OTHER, LOUNGE, OTHER):
        mo.moves_bot(where)
        await _calls(box)
    await box.voice.relocate_server()
    await _calls(box)
    box.voice.faults.leave_unanswered("websocket")
    box.voice.abort()
    await _calls(box)
    mo.kicks_bot()
    await has_left(box)
    for code in (4004, 4006):
        box.voice.faults.close_next(code)
        await use(ada, "/voice join")
    for silent in ("gateway", "server update"):
        box.voice.faults.leave_unanswered(silent)
        await use(ada, "/voice join")
    box.voice.faults.half_open = True
    await use(ada, "/voice join")
    await whole(await mo.command("/voice join", {"channel": mo.channel(OTHER)}))
    await use(mo, "/voice leave")


async def _calls(box: Sandbox) -> None:
    """Wait until the bot has a voice connection again."""

    def connected() -> bool:
        call = box.voice.call()
        return call is not None and call.connected and call.described

    await box.voice.changed.until(connected, deadline_s=DEADLINE_S, what="a connection")
