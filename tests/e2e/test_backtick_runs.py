"""A run of backticks with a code span behind it, by every way on which words reach the voice: none may stop the bot."""

from sandbox.discord.state import DiscordState
from sandbox.openai.calls import CallKind
from sandbox.sandbox import Sandbox
from tests.support.context_menus import READ
from tests.support.e2e import ANY_NUMBER, DEADLINE_S, OpenSandbox, ask, question_contains, run_command, wait_until_final
from tests.support.listening import idle, in_the_lounge

MESSAGE_CONTENT = 1 << 15
LINE = "Use ``` to open a block and `x` for code"
SAID = "Use to open a block and x for code"


def _said(sandbox: Sandbox) -> list[str]:
    return [call.body["input"] for call in sandbox.openai.calls(CallKind.SPEECH)]


async def test_a_run_of_backticks_before_a_code_span_stops_nobody(open_sandbox: OpenSandbox) -> None:
    state = DiscordState(privileged_intents=MESSAGE_CONTENT)
    guild = state.populate()
    role = state.add_role(guild, "``` `crew`", 0, mentionable=True)
    channel = state.add_channel(guild, "``` `deck`")
    guild.members[state.user("Cleo").id].nick = "``` `x`"
    sandbox = await open_sandbox({**ANY_NUMBER, "MESSAGE_CONTENT": "true"}, state=state)
    ada, cleo, mo = sandbox.user("Ada"), sandbox.user("Cleo"), sandbox.user("Mo")
    sandbox.openai.script(LINE, when=question_contains("blocks"), times=None)

    assert (
        (await wait_until_final(await ada.uses_menu(READ, await ada.says(LINE, channel="dm")))).messages[0].attachments
    )
    answer = await ask(ada, "What of blocks?")
    assert (await wait_until_final(await ada.clicks(answer.messages[0], "Read aloud"))).messages[0].attachments
    assert _said(sandbox) == [SAID, SAID]

    await in_the_lounge(sandbox, ada, cleo)
    await ask(ada, "What of blocks?", speak=True)
    await sandbox.voice.changed.until(lambda: len(_said(sandbox)) == 3, deadline_s=DEADLINE_S, what="the spoken answer")
    await wait_until_final(await mo.command("/voice read", {"channel": mo.channel("#general")}))
    await cleo.says(f"{LINE}, <@{cleo.id}> and <@&{role.id}>: <#{channel.id}>", channel="#general")
    await sandbox.voice.changed.until(lambda: len(_said(sandbox)) == 4, deadline_s=DEADLINE_S, what="the message")
    assert _said(sandbox)[2:] == [SAID, f"x says: {SAID}, x and crew: deck"]
    await idle(ada)
    assert (await run_command(mo, "/help")).text
