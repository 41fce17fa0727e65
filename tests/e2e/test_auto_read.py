"""A text channel read aloud to those who listen."""

from sandbox.client.user import ClientUser
from sandbox.discord.messages import MessageFlag
from sandbox.discord.state import DiscordState
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Body, Slow
from sandbox.sandbox import Sandbox
from tests.support.e2e import ANY_NUMBER, DEADLINE_S, OpenSandbox, run_command, wait_until_final
from tests.support.listening import OTHER, idle, in_the_lounge, silence

MESSAGE_CONTENT = 1 << 15


def _said(sandbox: Sandbox) -> list[str]:
    return [call.body["input"] for call in sandbox.openai.calls(CallKind.SPEECH)]


async def _without_cleo(open_sandbox: OpenSandbox) -> Sandbox:
    """Open a sandbox whose bot reads messages, and doesn't serve Cleo."""
    state = DiscordState(privileged_intents=MESSAGE_CONTENT)
    state.populate()
    env = {**ANY_NUMBER, "MESSAGE_CONTENT": "true", "BLOCKED_USERS": str(state.user("Cleo").id)}
    return await open_sandbox(env, state=state)


async def _have_read(ada: ClientUser, mo: ClientUser) -> None:
    """Have #general read aloud, which Ada may not."""
    refused = await wait_until_final(await ada.command("/voice read", {"channel": ada.channel("#general")}))
    assert refused.text.startswith("You need the **Manage Channels** permission here")
    done = await wait_until_final(await mo.command("/voice read", {"channel": mo.channel("#general")}))
    assert done.private
    assert done.text.startswith("From now on I read aloud what members in my voice channel write")


async def test_what_listeners_write_in_the_channel_is_read_aloud(open_sandbox: OpenSandbox) -> None:
    sandbox = await _without_cleo(open_sandbox)
    ada, ben, cleo = await in_the_lounge(sandbox, *(sandbox.user(name) for name in ("Ada", "Ben", "Cleo")))
    dora, mo = sandbox.join("Dora"), sandbox.user("Mo")
    dora.joins_voice(OTHER)
    await ada.says("Nobody has asked for this to be read.", channel="#general")
    await _have_read(ada, mo)
    said = [
        (ada, "#general", "Good evening, version 2*3*4."),
        (ada, "#general", r"A \*star\* to see."),
        (ben, "#general", f"It is there, {ada.user.name}."),
        (ben, "#random", "This is another channel."),
        (ben, "#general", "@silent Nobody is to be bothered by this."),
        (cleo, "#general", "I am not served here."),
        (dora, "#general", "I listen to somebody else."),
        (mo, "#general", "I listen to nobody."),
        (ada, "#general", f"<@{ben.user.id}> " + "goes on and on and on and never stops, " * 12),
    ]
    written = [await person.says(text, channel=channel) for person, channel, text in said]
    sandbox.deliver_again(written[0])
    await sandbox.voice.changed.until(lambda: len(_said(sandbox)) == 4, deadline_s=DEADLINE_S, what="four messages")
    assert written[4].flags & MessageFlag.SUPPRESS_NOTIFICATIONS
    await idle(ada)
    assert _said(sandbox)[:3] == [
        "Ada says: Good evening, version 2*3*4.",
        "A *star* to see.",
        "Ben says: It is there, Ada.",
    ]
    assert _said(sandbox)[3].startswith("Ada says: Ben goes on and on")
    assert _said(sandbox)[3].endswith("and so on.")
    assert len(_said(sandbox)[3]) < 350
    off = await run_command(mo, "/voice read")
    assert off.text == "From now on I read no channel aloud."
    await ada.says("And now it is quiet.", channel="#general")
    await idle(ada)
    assert len(_said(sandbox)) == 4
    await wait_until_final(await mo.command("/voice read", {"channel": mo.channel("#general")}))
    sandbox.openai.faults.always(CallKind.SPEECH, Slow(pace_s=30))
    for text in ("This takes for ever.", "And so does this.", "This even waits."):
        await ada.says(text, channel="#general")
    await sandbox.voice.changed.until(lambda: len(_said(sandbox)) == 6, deadline_s=DEADLINE_S, what="two more messages")
    assert await sandbox.bot_process.stop() == 0
    assert [line for line in sandbox.bot_process.log if "ERROR" in line or "settled later" in line] == []


async def test_a_message_without_sound_costs_nothing_and_the_next_one_is_read(open_sandbox: OpenSandbox) -> None:
    state = DiscordState(privileged_intents=MESSAGE_CONTENT)
    state.populate()
    sandbox = await open_sandbox({**ANY_NUMBER, "MESSAGE_CONTENT": "true"}, state=state)
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    mo = sandbox.user("Mo")
    await wait_until_final(await mo.command("/voice read", {"channel": mo.channel("#general")}))
    tag_alone = b"ID3\3\0\0\0\0\0\x40" + 64 * b"\0"
    sandbox.openai.faults.next(CallKind.SPEECH, Body(tag_alone, "audio/mpeg"))
    await ada.says("Good evening.", channel="#general")
    await sandbox.bot_process.until_logged("not read aloud", deadline_s=DEADLINE_S)
    await idle(ada)
    assert len(sandbox.voice.recording().speech) == 0
    assert "spoken characters: 0 of 10,000 used" in (await run_command(ada, "/usage")).text
    await ada.says("Good night.", channel="#general")
    await silence(sandbox)
    await idle(ada)
    assert _said(sandbox) == ["Ada says: Good evening.", "Ada says: Good night."]
    assert f"spoken characters: {len(_said(sandbox)[1])} of 10,000 used" in (await run_command(ada, "/usage")).text


async def test_without_the_intent_it_says_what_is_missing(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    mo = sandbox.user("Mo")
    refused = await wait_until_final(await mo.command("/voice read", {"channel": mo.channel("#general")}))
    assert refused.private
    assert "`MESSAGE_CONTENT=true`" in refused.text
