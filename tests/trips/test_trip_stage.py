"""The bot on a stage: it comes out of the audience however it came there, or says why nobody hears it."""

from sandbox.client.user import ClientUser
from sandbox.discord.permissions import Permission
from sandbox.sandbox import Sandbox
from tests.support.listening import has_left, idle, in_the_lounge
from tests.support.trip_box import ANY_NUMBER, DEADLINE_S, OpenBox, use

STAGE = "Stage"


def _let_speak(box: Sandbox, person: ClientUser) -> None:
    stage, me = person.channel(STAGE), person.guild.members[box.state.bot.id]
    box.state.overwrite(stage, me, allow=Permission.MUTE_MEMBERS)
    box.discord.gateway.dispatch_channel(stage)


async def _heard(box: Sandbox, person: ClientUser) -> None:
    before = len(box.voice.recording())
    await use(person, "/say", text="Can you hear me up here?")
    await box.voice.until(lambda it: len(it.by(person.user.id).speech) > 50, since=before, deadline_s=DEADLINE_S)
    await idle(person)


async def test_it_speaks_on_a_stage_however_it_came_there(open_box: OpenBox) -> None:
    box = await open_box(ANY_NUMBER)
    ada, mo = await in_the_lounge(box, box.user("Ada"), box.user("Mo"))
    _let_speak(box, ada)
    ada.joins_voice(STAGE)
    mo.moves_bot(STAGE)
    await _heard(box, ada)
    mo.sends_bot_to_audience()
    await _heard(box, ada)
    box.voice.end(4006)
    await _heard(box, ada)
    await box.voice.relocate_server()
    await _heard(box, ada)
    await use(ada, "/voice leave")
    await use(ada, "/voice join")
    await _heard(box, ada)


async def test_it_speaks_on_a_stage_after_a_new_session_of_the_gateway(open_box: OpenBox) -> None:
    box = await open_box(ANY_NUMBER)
    ada = box.user("Ada")
    _let_speak(box, ada)
    ada.joins_voice(STAGE)
    await use(ada, "/voice join")
    await _heard(box, ada)
    await box.discord.gateway.disconnect_all(forget=True)
    await box.bot_process.until_logged("voice connection made anew", deadline_s=DEADLINE_S)
    await _heard(box, ada)


async def test_where_it_may_not_it_says_so_once_and_speaks_as_soon_as_it_may(open_box: OpenBox) -> None:
    box = await open_box(ANY_NUMBER)
    ada, mo = await in_the_lounge(box, box.user("Ada"), box.user("Mo"))
    ada.joins_voice(STAGE)
    mo.moves_bot(STAGE)

    def told() -> list[str]:
        return [each.content for each in ada.sees("#general") if "Nobody hears me" in each.content]

    await box.traffic_log.changed.until(told, deadline_s=DEADLINE_S, what="the sentence")
    before = len(box.voice.recording())
    await use(ada, "/say", text="Nobody hears this.")
    await box.voice.until(lambda it: len(it.speech) > 20, since=before, deadline_s=DEADLINE_S)
    assert len(box.voice.recording(since=before).audible) == 0
    await idle(ada)
    mo.sends_bot_to_audience()
    await use(ada, "/voice queue")
    assert told() == [
        f"Nobody hears me in <#{ada.channel(STAGE).id}>: I'm in the audience there. "
        "Please give me the **Mute Members** permission, or invite me to speak."
    ]
    _let_speak(box, ada)
    assert (await use(ada, "/voice join")).text.startswith(f"I'm in <#{ada.channel(STAGE).id}> now.")
    await _heard(box, ada)
    await use(mo, "/voice leave")
    await has_left(box)
