"""Where something is heard, and who may send the bot there or away, is looked at when its turn has come."""

import pytest

from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Hang
from sandbox.sandbox import Sandbox
from tests.support.listening import LOUNGE, OTHER, in_the_lounge, silence
from tests.support.trip_box import DEADLINE_S, OpenBox, all_of, use, whole

ONE_AT_A_TIME = {"MEMBER_RUNNING": "1", "MEMBER_RATE": "off"}
MOVED_ON = "You were in no voice channel any more when its turn came, so I didn't say it."


def _bots_channel(person: ClientUser) -> str | None:
    states = person.guild.voice_states.values()
    return next((state.channel.name for state in states if state.user.bot), None)


def _busy_in(person: ClientUser, channel: str) -> str:
    return f"I'm in <#{person.channel(channel).id}> at the moment. Come there, or ask me again when I'm done."


async def _waiting(box: Sandbox, person: ClientUser, *, play: bool | None = None) -> InteractionResult:
    """Have somebody's words wait in line behind an answer of theirs that hangs."""
    box.openai.faults.next(CallKind.CHAT, Hang())
    await person.command("/ask", prompt="first")
    await box.openai.until(lambda: len(box.openai.calls(CallKind.CHAT)) == 1, deadline_s=DEADLINE_S)
    options = {} if play is None else {"play": play}
    waiting = await person.command("/say", text="These words wait.", **options)
    return await waiting.until(lambda used: "in line" in used.text, deadline_s=DEADLINE_S)


async def _said(box: Sandbox, waiting: InteractionResult) -> str:
    """Let it be its turn; return what stands beside the file."""
    box.openai.faults.release()
    await waiting.until(lambda used: used.messages[0].attachments, deadline_s=DEADLINE_S)
    return waiting.text


async def test_what_waits_does_not_bring_the_bot_back_where_it_was_sent_away(open_box: OpenBox) -> None:
    box = await open_box(ONE_AT_A_TIME)
    (ada,) = await in_the_lounge(box, box.user("Ada"))
    waiting = await _waiting(box, ada)
    await use(ada, "/voice leave")
    assert await _said(box, waiting) == ""
    assert _bots_channel(ada) is None


@pytest.mark.parametrize("play", [True, None])
async def test_what_waits_does_not_take_the_bot_away_from_others(open_box: OpenBox, play: bool | None) -> None:
    box = await open_box(ONE_AT_A_TIME)
    ada, ben, mo = box.user("Ada"), box.user("Ben"), box.user("Mo")
    await in_the_lounge(box, ada)
    ben.joins_voice(OTHER)
    waiting = await _waiting(box, ada, play=play)
    mo.moves_bot(OTHER)
    assert (await use(ben, "/voice join")).text.startswith(f"I'm in <#{ben.channel(OTHER).id}> now.")
    assert await _said(box, waiting) == (_busy_in(ada, OTHER) if play else "")
    assert _bots_channel(ada) == OTHER


async def test_what_waits_is_heard_where_its_member_is_by_then(open_box: OpenBox) -> None:
    box = await open_box(ONE_AT_A_TIME)
    ada, ben = box.user("Ada"), box.user("Ben")
    ada.joins_voice(LOUNGE)
    waiting = await _waiting(box, ada, play=True)
    ada.joins_voice(OTHER)
    ben.joins_voice(LOUNGE)
    assert await _said(box, waiting) == ""
    assert _bots_channel(ada) == OTHER
    heard = await silence(box)
    assert len(heard.by(ada.id).speech) > 0
    assert len(heard.by(ben.id).speech) == 0


async def test_what_waits_is_not_heard_where_its_member_has_gone(open_box: OpenBox) -> None:
    box = await open_box(ONE_AT_A_TIME)
    ada = box.user("Ada")
    ada.joins_voice(LOUNGE)
    waiting = await _waiting(box, ada, play=True)
    ada.leaves_voice()
    assert await _said(box, waiting) == MOVED_ON
    assert _bots_channel(ada) is None


async def test_of_two_who_call_the_bot_at_once_neither_takes_it_from_the_other(box: Sandbox) -> None:
    ada, ben = box.user("Ada"), box.user("Ben")
    ada.joins_voice(LOUNGE)
    ben.joins_voice(OTHER)
    used = await all_of([whole(await each.command("/voice join")) for each in (ada, ben)])
    came = _bots_channel(ada)
    assert came in (LOUNGE, OTHER)
    assert sorted(each.text == _busy_in(ada, came) for each in used) == [False, True]


async def test_who_may_send_the_bot_away_is_asked_where_it_is_by_then(box: Sandbox) -> None:
    ada, ben = box.user("Ada"), box.user("Ben")
    ada.joins_voice(LOUNGE)
    ben.joins_voice(OTHER)
    mo, _ = box.user("Mo"), await use(ada, "/voice join")
    moving = await mo.command("/voice join", {"channel": mo.channel(OTHER)})
    leaving = await ada.command("/voice leave")
    assert (await whole(moving)).text.startswith(f"I'm in <#{mo.channel(OTHER).id}> now.")
    refusal = f"You need the **Move Members** permission in <#{ada.channel(OTHER).id}> to do that."
    assert (await whole(leaving)).text.startswith(refusal)
    assert _bots_channel(ada) == OTHER
