"""A run of backticks with a code span behind it, by every way on which words reach the voice: none may stop the bot."""

from sandbox.discord.state import DiscordState
from sandbox.openai.calls import CallKind
from sandbox.sandbox import Sandbox
from tests.support.listening import idle, in_the_lounge
from tests.support.trip_box import ANY_NUMBER, DEADLINE_S, OpenBox, ask, is_about, use, whole
from tests.trips.menus import READ

MESSAGE_CONTENT = 1 << 15
LINE = "Use ``` to open a block and `x` for code"
SAID = "Use to open a block and x for code"


def _said(box: Sandbox) -> list[str]:
    return [call.body["input"] for call in box.openai.calls(CallKind.SPEECH)]


async def test_a_run_of_backticks_before_a_code_span_stops_nobody(open_box: OpenBox) -> None:
    state = DiscordState(privileged_intents=MESSAGE_CONTENT)
    guild = state.populate()
    role = state.add_role(guild, "``` `crew`", 0, mentionable=True)
    channel = state.add_channel(guild, "``` `deck`")
    guild.members[state.user("Cleo").id].nick = "``` `x`"
    box = await open_box({**ANY_NUMBER, "MESSAGE_CONTENT": "true"}, state=state)
    ada, cleo, mo = box.user("Ada"), box.user("Cleo"), box.user("Mo")
    box.openai.script(LINE, when=is_about("blocks"), times=None)

    assert (await whole(await ada.uses_menu(READ, await ada.says(LINE, channel="dm")))).messages[0].attachments
    answer = await ask(ada, "What of blocks?")
    assert (await whole(await ada.clicks(answer.messages[0], "Read aloud"))).messages[0].attachments
    assert _said(box) == [SAID, SAID]

    await in_the_lounge(box, ada, cleo)
    await ask(ada, "What of blocks?", speak=True)
    await box.voice.changed.until(lambda: len(_said(box)) == 3, deadline_s=DEADLINE_S, what="the spoken answer")
    await whole(await mo.command("/voice read", {"channel": mo.channel("#general")}))
    await cleo.says(f"{LINE}, <@{cleo.id}> and <@&{role.id}>: <#{channel.id}>", channel="#general")
    await box.voice.changed.until(lambda: len(_said(box)) == 4, deadline_s=DEADLINE_S, what="the message")
    assert _said(box)[2:] == [SAID, f"x says: {SAID}, x and crew: deck"]
    await idle(ada)
    assert (await use(mo, "/help")).text
