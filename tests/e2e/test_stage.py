"""The bot on a stage: it comes out of the audience however it came there, or says why nobody hears it."""

from sandbox.client.user import ClientUser
from sandbox.discord.permissions import Permission
from sandbox.sandbox import Sandbox
from tests.support.e2e import ANY_NUMBER, DEADLINE_S, OpenSandbox, run_command
from tests.support.listening import has_left, idle, in_the_lounge

STAGE = "Stage"


def _let_speak(sandbox: Sandbox, person: ClientUser) -> None:
    stage, me = person.channel(STAGE), person.guild.members[sandbox.state.bot.id]
    sandbox.state.overwrite(stage, me, allow=Permission.MUTE_MEMBERS)
    sandbox.discord.gateway.dispatch_channel(stage)


async def _heard(sandbox: Sandbox, person: ClientUser) -> None:
    before = len(sandbox.voice.recording())
    await run_command(person, "/say", text="Can you hear me up here?")
    await sandbox.voice.until(lambda it: len(it.by(person.user.id).speech) > 50, since=before, deadline_s=DEADLINE_S)
    await idle(person)


async def test_it_speaks_on_a_stage_however_it_came_there(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    ada, mo = await in_the_lounge(sandbox, sandbox.user("Ada"), sandbox.user("Mo"))
    _let_speak(sandbox, ada)
    ada.joins_voice(STAGE)
    mo.moves_bot(STAGE)
    await _heard(sandbox, ada)
    mo.sends_bot_to_audience()
    await _heard(sandbox, ada)
    sandbox.voice.end(4006)
    await _heard(sandbox, ada)
    await sandbox.voice.relocate_server()
    await _heard(sandbox, ada)
    await run_command(ada, "/voice leave")
    await run_command(ada, "/voice join")
    await _heard(sandbox, ada)


async def test_it_speaks_on_a_stage_after_a_new_session_of_the_gateway(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    ada = sandbox.user("Ada")
    _let_speak(sandbox, ada)
    ada.joins_voice(STAGE)
    await run_command(ada, "/voice join")
    await _heard(sandbox, ada)
    await sandbox.discord.gateway.disconnect_all(forget=True)
    await sandbox.bot_process.until_logged("voice reconnected", deadline_s=DEADLINE_S)
    await _heard(sandbox, ada)


async def test_where_it_may_not_it_says_so_once_and_speaks_as_soon_as_it_may(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    ada, mo = await in_the_lounge(sandbox, sandbox.user("Ada"), sandbox.user("Mo"))
    ada.joins_voice(STAGE)
    mo.moves_bot(STAGE)

    def warnings() -> list[str]:
        return [each.content for each in ada.sees("#general") if "I can't be heard" in each.content]

    await sandbox.traffic_log.changed.until(warnings, deadline_s=DEADLINE_S, what="the sentence")
    before = len(sandbox.voice.recording())
    await run_command(ada, "/say", text="Nobody hears this.")
    await sandbox.voice.until(lambda it: len(it.speech) > 20, since=before, deadline_s=DEADLINE_S)
    assert len(sandbox.voice.recording(since=before).audible) == 0
    await idle(ada)
    mo.sends_bot_to_audience()
    await run_command(ada, "/voice queue")
    assert warnings() == [
        f"I can't be heard in <#{ada.channel(STAGE).id}>: I'm in the audience there. "
        "Please give me the **Mute Members** permission, or invite me to speak."
    ]
    _let_speak(sandbox, ada)
    assert (await run_command(ada, "/voice join")).text.startswith(f"I'm in <#{ada.channel(STAGE).id}> now.")
    await _heard(sandbox, ada)
    await run_command(mo, "/voice leave")
    await has_left(sandbox)
