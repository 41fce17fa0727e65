"""Where something is heard, and who may send the bot there or away, is looked at when its turn has come."""

import pytest

from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Hang
from sandbox.sandbox import Sandbox
from tests.support.e2e import DEADLINE_S, OpenSandbox, all_of, run_command, wait_until_final
from tests.support.listening import LOUNGE, OTHER, in_the_lounge, silence

ONE_AT_A_TIME = {"MEMBER_RUNNING": "1", "MEMBER_RATE": "off"}
MOVED_ON = "You had left the voice channel when your turn came, so I didn't say it."


def _bots_channel(person: ClientUser) -> str | None:
    states = person.guild.voice_states.values()
    return next((state.channel.name for state in states if state.user.bot), None)


def _busy_in(person: ClientUser, channel: str) -> str:
    return f"I'm in <#{person.channel(channel).id}> at the moment. Come there, or ask me again when I'm done."


async def _waiting(sandbox: Sandbox, person: ClientUser, *, play: bool | None = None) -> InteractionResult:
    """Have somebody's words wait in line behind an answer of theirs that hangs."""
    sandbox.openai.faults.next(CallKind.CHAT, Hang())
    await person.command("/ask", prompt="first")
    await sandbox.openai.until(lambda: len(sandbox.openai.calls(CallKind.CHAT)) == 1, deadline_s=DEADLINE_S)
    options = {} if play is None else {"play": play}
    waiting = await person.command("/say", text="These words wait.", **options)
    return await waiting.until(lambda used: "in the queue" in used.text, deadline_s=DEADLINE_S)


async def _said(sandbox: Sandbox, waiting: InteractionResult) -> str:
    """Let it be its turn; return what stands beside the file."""
    sandbox.openai.faults.release()
    await waiting.until(lambda used: used.messages[0].attachments, deadline_s=DEADLINE_S)
    return waiting.text


async def test_what_waits_does_not_bring_the_bot_back_where_it_was_sent_away(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ONE_AT_A_TIME)
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    waiting = await _waiting(sandbox, ada)
    await run_command(ada, "/voice leave")
    assert await _said(sandbox, waiting) == ""
    assert _bots_channel(ada) is None


@pytest.mark.parametrize("play", [True, None])
async def test_what_waits_does_not_take_the_bot_away_from_others(open_sandbox: OpenSandbox, play: bool | None) -> None:
    sandbox = await open_sandbox(ONE_AT_A_TIME)
    ada, ben, mo = sandbox.user("Ada"), sandbox.user("Ben"), sandbox.user("Mo")
    await in_the_lounge(sandbox, ada)
    ben.joins_voice(OTHER)
    waiting = await _waiting(sandbox, ada, play=play)
    mo.moves_bot(OTHER)
    assert (await run_command(ben, "/voice join")).text.startswith(f"I'm in <#{ben.channel(OTHER).id}> now.")
    assert await _said(sandbox, waiting) == (_busy_in(ada, OTHER) if play else "")
    assert _bots_channel(ada) == OTHER


async def test_what_waits_is_heard_where_its_member_is_by_then(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ONE_AT_A_TIME)
    ada, ben = sandbox.user("Ada"), sandbox.user("Ben")
    ada.joins_voice(LOUNGE)
    waiting = await _waiting(sandbox, ada, play=True)
    ada.joins_voice(OTHER)
    ben.joins_voice(LOUNGE)
    assert await _said(sandbox, waiting) == ""
    assert _bots_channel(ada) == OTHER
    heard = await silence(sandbox)
    assert len(heard.by(ada.id).speech) > 0
    assert len(heard.by(ben.id).speech) == 0


async def test_what_waits_is_not_heard_where_its_member_has_gone(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ONE_AT_A_TIME)
    ada = sandbox.user("Ada")
    ada.joins_voice(LOUNGE)
    waiting = await _waiting(sandbox, ada, play=True)
    ada.leaves_voice()
    assert await _said(sandbox, waiting) == MOVED_ON
    assert _bots_channel(ada) is None


async def test_of_two_who_call_the_bot_at_once_neither_takes_it_from_the_other(sandbox: Sandbox) -> None:
    ada, ben = sandbox.user("Ada"), sandbox.user("Ben")
    ada.joins_voice(LOUNGE)
    ben.joins_voice(OTHER)
    used = await all_of([wait_until_final(await each.command("/voice join")) for each in (ada, ben)])
    came = _bots_channel(ada)
    assert came in (LOUNGE, OTHER)
    assert sorted(each.text == _busy_in(ada, came) for each in used) == [False, True]


async def test_who_may_send_the_bot_away_is_asked_where_it_is_by_then(sandbox: Sandbox) -> None:
    ada, ben = sandbox.user("Ada"), sandbox.user("Ben")
    ada.joins_voice(LOUNGE)
    ben.joins_voice(OTHER)
    mo, _ = sandbox.user("Mo"), await run_command(ada, "/voice join")
    moving = await mo.command("/voice join", {"channel": mo.channel(OTHER)})
    leaving = await ada.command("/voice leave")
    assert (await wait_until_final(moving)).text.startswith(f"I'm in <#{mo.channel(OTHER).id}> now.")
    refusal = f"You need the **Move Members** permission in <#{ada.channel(OTHER).id}> to do that."
    assert (await wait_until_final(leaving)).text.startswith(refusal)
    assert _bots_channel(ada) == OTHER
