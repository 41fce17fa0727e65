"""Who hears, sees and stops what in a voice channel: private threads, hidden channels, rights of the right channel."""

import pytest

from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.discord.entities import Channel
from sandbox.discord.messages import Message
from sandbox.discord.permissions import Permission
from sandbox.discord.state import DiscordState
from sandbox.openai.calls import CallKind
from sandbox.sandbox import Sandbox
from tests.support.e2e import ANY_NUMBER, DEADLINE_S, OpenSandbox, ask, question_contains, run_command, wait_until_final
from tests.support.listening import LOUNGE, OTHER, idle, in_the_lounge, silence

MESSAGE_CONTENT = 1 << 15
HIDDEN, SECRETS = "random", "secrets"
NOT_FOR_ALL = "Not everyone who listens may read this channel, so I don't say it aloud."
NOBODY_HERE = "I'm not in a voice channel here."
LONG = "This takes a while to say, and nobody is in a hurry to hear it to its end. " * 6


def _state(*, bot_in_thread: bool = True, privileged_intents: int = 0) -> DiscordState:
    """The usual world with a channel that Ben can't see, and a private thread that he is not in."""
    state = DiscordState(privileged_intents=privileged_intents)
    guild = state.populate()
    state.overwrite(guild.channel(HIDDEN), guild.members[state.user("Ben").id], deny=Permission.VIEW_CHANNEL)
    thread = state.add_private_thread(guild.channel("general"), SECRETS, state.user("Ada"))
    if bot_in_thread:
        _let_in(state, thread, state.bot.name)
    return state


def _let_in(state: DiscordState, thread: Channel, name: str) -> None:
    thread.joined[state.user(name).id] = state.now()


async def _reads(person: ClientUser, message: Message) -> InteractionResult:
    return await wait_until_final(await person.uses_menu("Read aloud", message))


async def _ways_in(ada: ClientUser, where: str) -> list[InteractionResult]:
    """Have what stands or is written in a channel said in every way there is but with `play:True`."""
    written = await ada.says("The password is swordfish.", channel=where)
    answered = await ask(ada, "What is the password?", channel=where)
    pressed = await wait_until_final(await ada.clicks(answered.messages[0], "Read aloud"))
    return [await _reads(ada, written), pressed, await run_command(ada, "/say", text="Swordfish.", channel=where)]


def _heard(sandbox: Sandbox) -> int:
    return len(sandbox.voice.recording().speech)


@pytest.mark.parametrize(
    ("where", "bot_in_thread", "dave"),
    [(HIDDEN, True, False), (SECRETS, True, True), (SECRETS, False, False)],
    ids=["hidden channel", "private thread, encrypted", "thread without the bot"],
)
async def test_nothing_is_said_to_whom_may_not_read_it(
    open_sandbox: OpenSandbox, where: str, bot_in_thread: bool, dave: bool
) -> None:
    sandbox = await open_sandbox(ANY_NUMBER, state=_state(bot_in_thread=bot_in_thread), dave=dave)
    ada, _ = await in_the_lounge(sandbox, sandbox.user("Ada"), sandbox.user("Ben"))
    for used in await _ways_in(ada, where):
        assert used.messages[0].attachments
        assert used.text == NOT_FOR_ALL
    spoken = await ask(ada, "And once more?", speak=True, channel=where)
    await spoken.until(lambda each: len(each.messages) == 2, deadline_s=DEADLINE_S)
    assert spoken.messages[0].content
    assert spoken.messages[1].ephemeral
    assert spoken.messages[1].content == f"I couldn't say all of it aloud. {NOT_FOR_ALL}"
    await idle(ada)
    assert _heard(sandbox) == 0
    await run_command(ada, "/say", text="I want everybody to hear this.", play=True, channel=where)
    assert len((await silence(sandbox)).by(sandbox.user("Ben").id).speech) > 0


async def test_a_thread_is_said_to_its_members_and_to_who_manages_threads(open_sandbox: OpenSandbox) -> None:
    state = _state()
    sandbox = await open_sandbox(ANY_NUMBER, state=state)
    sandbox.openai.script(["Swordfish."], when=question_contains("password"), times=None)
    ada, mo = await in_the_lounge(sandbox, sandbox.user("Ada"), sandbox.user("Mo"))
    assert [used.text for used in await _ways_in(ada, SECRETS)] == ["", "", ""]
    await idle(ada)
    before, heard = len(sandbox.voice.recording()), _heard(sandbox)
    assert heard > 0
    mo.leaves_voice()
    cleo = sandbox.user("Cleo")
    cleo.joins_voice(LOUNGE)
    written = await ada.says("The password is swordfish.", channel=SECRETS)
    assert (await _reads(ada, written)).text == NOT_FOR_ALL
    dora = sandbox.join("Dora")
    _let_in(state, ada.channel(SECRETS), "Dora")
    cleo.leaves_voice()
    dora.joins_voice(LOUNGE)
    assert _heard(sandbox) == heard
    assert (await _reads(ada, written)).text == ""
    assert len((await silence(sandbox, since=before)).by(dora.id).speech) > 0
    requests = [each for each in sandbox.traffic_log.requests if "/thread-members/" in each.path]
    assert len(requests) < 15


async def test_alone_with_the_bot_a_member_hears_their_own_thread(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER, state=_state(bot_in_thread=False))
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    written = await ada.says("The password is swordfish.", channel=SECRETS)
    assert (await _reads(ada, written)).text == ""
    assert len((await silence(sandbox)).speech) > 0
    assert [each for each in sandbox.traffic_log.requests if "/thread-members/" in each.path] == []


async def test_it_is_asked_again_when_its_turn_comes(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER, state=_state())
    ada, ben = sandbox.user("Ada"), sandbox.user("Ben")
    await in_the_lounge(sandbox, ada)
    for where in (HIDDEN, SECRETS):
        await run_command(ada, "/say", text=LONG)
        written = await ada.says("The password is swordfish.", channel=where)
        waiting = await _reads(ada, written)
        assert waiting.text == ""
        assert waiting.messages[0].attachments
        assert "swordfish" in (await run_command(ada, "/voice queue")).text
        ben.joins_voice(LOUNGE)
        since = len(sandbox.voice.recording())
        assert (await run_command(ada, "/voice skip")).text == "Skipped."
        await idle(ada)
        await run_command(ada, "/say", text="An end.")
        heard = await silence(sandbox, since=since)
        assert heard.speech.seconds < 3, where
        ben.leaves_voice()


async def test_who_joins_while_it_is_said_ends_it_if_they_may_not_hear_it(open_sandbox: OpenSandbox) -> None:
    state = _state()
    sandbox = await open_sandbox(ANY_NUMBER, state=state)
    ada, ben, cleo = sandbox.user("Ada"), sandbox.user("Ben"), sandbox.user("Cleo")
    await in_the_lounge(sandbox, ada)
    for where, stranger in ((HIDDEN, ben), (SECRETS, cleo)):
        before = len(sandbox.voice.recording())
        written = await ada.says(f"The password is swordfish. {LONG}", channel=where)
        await _reads(ada, written)
        await sandbox.voice.until(lambda heard: heard.speech.seconds > 0.5, since=before, deadline_s=DEADLINE_S)
        stranger.joins_voice(LOUNGE)
        await idle(ada)
        heard = sandbox.voice.recording(since=before)
        assert heard.by(stranger.id).speech.seconds < 0.5, where
        stranger.leaves_voice()


async def test_moved_to_others_it_says_nothing_more_that_they_may_not_hear(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER, state=_state())
    ada, ben, mo = sandbox.user("Ada"), sandbox.user("Ben"), sandbox.user("Mo")
    await in_the_lounge(sandbox, ada)
    ben.joins_voice(OTHER)
    await _reads(ada, await ada.says(f"The password is swordfish. {LONG}", channel=HIDDEN))
    await sandbox.voice.until(lambda heard: heard.speech.seconds > 0.5, deadline_s=DEADLINE_S)
    mo.moves_bot(OTHER)
    await idle(ada)
    assert sandbox.voice.recording().by(ben.id).speech.seconds < 0.5


async def test_a_role_that_somebody_lost_lets_them_hear_nothing_more(open_sandbox: OpenSandbox) -> None:
    state = DiscordState()
    guild = state.populate()
    role = state.add_role(guild, "Staff", 0)
    staff = guild.channel(HIDDEN)
    state.overwrite(staff, guild.roles[guild.id], deny=Permission.VIEW_CHANNEL)
    state.overwrite(staff, role, allow=Permission.VIEW_CHANNEL)
    for member in (guild.members[state.bot.id], *(guild.members[state.user(name).id] for name in ("Ada", "Ben"))):
        member.role_ids.append(role.id)
    sandbox = await open_sandbox(ANY_NUMBER, state=state)
    ada, ben = await in_the_lounge(sandbox, sandbox.user("Ada"), sandbox.user("Ben"))
    guild.members[ben.id].role_ids.remove(role.id)
    written = await ada.says("The password is swordfish.", channel=HIDDEN)
    assert (await _reads(ada, written)).text == NOT_FOR_ALL
    await idle(ada)
    assert _heard(sandbox) == 0


async def test_a_message_from_before_is_not_said_to_who_may_not_read_back(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    ada, ben = await in_the_lounge(sandbox, sandbox.user("Ada"), sandbox.user("Ben"))
    sandbox.state.overwrite(ada.channel(), ada.guild.members[ben.id], deny=Permission.READ_MESSAGE_HISTORY)
    sandbox.discord.gateway.dispatch_channel(ada.channel())
    written = await ada.says("This was before.")
    assert (await _reads(ada, written)).text == NOT_FOR_ALL
    assert _heard(sandbox) == 0


async def test_what_somebody_had_said_is_passed_over_when_they_are_gone(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    ada, ben = await in_the_lounge(sandbox, sandbox.user("Ada"), sandbox.user("Ben"))
    await run_command(ada, "/say", text=LONG)
    await run_command(ben, "/say", text=LONG)
    ben.leaves_voice()
    since = len(sandbox.voice.recording())
    await run_command(ada, "/voice skip")
    await idle(ada)
    assert sandbox.voice.recording(since=since).speech.seconds < 3


async def test_what_comes_from_a_channel_that_is_gone_is_passed_over(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    await run_command(ada, "/say", text=LONG)
    await _reads(ada, await ada.says(LONG, channel="random"))
    since = len(sandbox.voice.recording())
    sandbox.user("Mo").deletes_channel("random")
    assert (await run_command(ada, "/voice skip")).text == "Skipped."
    await idle(ada)
    assert sandbox.voice.recording(since=since).speech.seconds < 3


async def test_a_channel_that_is_made_private_is_read_no_longer(open_sandbox: OpenSandbox) -> None:
    state = DiscordState(privileged_intents=MESSAGE_CONTENT)
    guild = state.populate()
    sandbox = await open_sandbox({**ANY_NUMBER, "MESSAGE_CONTENT": "true"}, state=state)
    ada, ben = await in_the_lounge(sandbox, sandbox.user("Ada"), sandbox.user("Ben"))
    mo = sandbox.user("Mo")
    told = await wait_until_final(await mo.command("/voice read", {"channel": mo.channel("#general")}))
    assert told.text.endswith("While someone listens who can't see that channel, I don't.")
    await ada.says("Everybody may hear this.", channel="#general")
    await sandbox.voice.changed.until(
        lambda: len(sandbox.openai.calls(CallKind.SPEECH)) == 1, deadline_s=DEADLINE_S, what="it"
    )
    await idle(ada)
    state.overwrite(guild.channel("general"), guild.members[ben.id], deny=Permission.VIEW_CHANNEL)
    sandbox.discord.gateway.dispatch_channel(guild.channel("general"))
    await ada.says("The password is swordfish.", channel="#general")
    await sandbox.bot_process.until_logged("not read aloud", deadline_s=DEADLINE_S)
    assert len(sandbox.openai.calls(CallKind.SPEECH)) == 1
    ben.leaves_voice()
    before = len(sandbox.voice.recording())
    await ada.says(f"Now we are among ourselves. {LONG}", channel="#general")
    await sandbox.voice.until(lambda heard: heard.speech.seconds > 0.5, since=before, deadline_s=DEADLINE_S)
    state.overwrite(guild.channel("general"), guild.members[ada.id], deny=Permission.VIEW_CHANNEL)
    sandbox.discord.gateway.dispatch_channel(guild.channel("general"))
    await sandbox.bot_process.until_logged("utterance revoked", deadline_s=DEADLINE_S)
    assert (await silence(sandbox, since=before)).speech.seconds < 10


async def test_a_hidden_channels_name_is_not_read_out(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(
        {**ANY_NUMBER, "MESSAGE_CONTENT": "true"}, state=_state(privileged_intents=MESSAGE_CONTENT)
    )
    ada, _ = await in_the_lounge(sandbox, sandbox.user("Ada"), sandbox.user("Ben"))
    mo = sandbox.user("Mo")
    await wait_until_final(await mo.command("/voice read", {"channel": mo.channel("#general")}))
    await ada.says(f"Look into <#{ada.channel(HIDDEN).id}> and <#{ada.channel('general').id}>.", channel="#general")
    await sandbox.voice.changed.until(
        lambda: len(sandbox.openai.calls(CallKind.SPEECH)) == 1, deadline_s=DEADLINE_S, what="it"
    )
    said = sandbox.openai.calls(CallKind.SPEECH)[0].body["input"]
    assert "general" in said
    assert HIDDEN not in said


async def test_the_queue_is_for_who_may_see_the_voice_channel_and_without_what_they_may_not_read(
    open_sandbox: OpenSandbox,
) -> None:
    state = _state()
    guild = state.guild()
    state.overwrite(guild.channel(LOUNGE), guild.members[state.user("Cleo").id], deny=Permission.VIEW_CHANNEL)
    sandbox = await open_sandbox(ANY_NUMBER, state=state)
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    ben, cleo, mo = (sandbox.user(name) for name in ("Ben", "Cleo", "Mo"))
    await run_command(ada, "/say", text=f"Everybody may read this. {LONG}")
    for where in (HIDDEN, SECRETS):
        await _reads(ada, await ada.says(f"My salary is nine thousand. {LONG}", channel=where))
    for command in ("/voice queue", "/voice skip", "/voice stop", "/voice leave"):
        assert (await run_command(cleo, command)).text.startswith(NOBODY_HERE), command
    cleo.joins_voice(OTHER)
    busy = await run_command(cleo, "/voice join")
    assert busy.text == "I'm speaking somewhere else in this server at the moment. Please ask me again when I'm done."
    seen = (await run_command(ben, "/voice queue")).text.splitlines()
    assert seen[0].startswith("**Now** Ada: “Everybody may read this.")
    hidden = "Ada: something from a channel that you can't see ("
    assert [line[3:].startswith(hidden) for line in seen[1:]] == [True, True]
    for reader in (ada, mo):
        assert (await run_command(reader, "/voice queue")).text.count("My salary is nine thousand.") == 2


async def test_the_rights_are_those_of_the_voice_channel(open_sandbox: OpenSandbox) -> None:
    state = DiscordState()
    guild = state.populate()
    everything = Permission.MANAGE_CHANNELS | Permission.MOVE_MEMBERS
    state.overwrite(guild.channel("random"), guild.members[state.user("Cleo").id], allow=everything)
    sandbox = await open_sandbox(ANY_NUMBER, state=state)
    ada, _ = await in_the_lounge(sandbox, sandbox.user("Ada"), sandbox.user("Ben"))
    cleo, mo = sandbox.user("Cleo"), sandbox.user("Mo")
    there = f"permission in <#{ada.channel(LOUNGE).id}> to do that"
    await run_command(ada, "/say", text=LONG)
    assert (await run_command(cleo, "/voice stop", channel="random")).text == "There was nothing of yours to stop."
    assert (await run_command(cleo, "/voice skip", channel="random")).text.startswith("This one is Ada's.")
    assert there in (await run_command(cleo, "/voice leave", channel="random")).text
    cleo.joins_voice(OTHER)
    assert "Come there, or ask me again" in (await run_command(cleo, "/voice join", channel="random")).text
    moved = await wait_until_final(
        await cleo.command("/voice join", {"channel": cleo.channel(OTHER)}, channel="random")
    )
    assert f"permission in <#{cleo.channel(OTHER).id}> to do that" in moved.text
    state.overwrite(guild.channel(OTHER), guild.members[cleo.id], allow=everything)
    sandbox.discord.gateway.dispatch_channel(guild.channel(OTHER))
    taken = await wait_until_final(
        await cleo.command("/voice join", {"channel": cleo.channel(OTHER)}, channel="random")
    )
    assert "Come there, or ask me again" in taken.text
    assert (await run_command(ada, "/voice queue")).text.startswith("**Now** Ada")
    state.overwrite(guild.channel(LOUNGE), guild.members[cleo.id], allow=everything)
    sandbox.discord.gateway.dispatch_channel(guild.channel(LOUNGE))
    assert (await run_command(cleo, "/voice stop")).text == "Stopped."
    assert (await run_command(mo, "/voice leave", channel="random")).text == "I've left the voice channel."


async def test_what_is_read_aloud_is_decided_by_who_manages_that_channel(open_sandbox: OpenSandbox) -> None:
    state = DiscordState(privileged_intents=MESSAGE_CONTENT)
    guild = state.populate()
    state.overwrite(
        guild.channel("random"), guild.members[state.user("Cleo").id], allow=int(Permission.MANAGE_CHANNELS)
    )
    sandbox = await open_sandbox({**ANY_NUMBER, "MESSAGE_CONTENT": "true"}, state=state)
    cleo, mo = sandbox.user("Cleo"), sandbox.user("Mo")
    general, random = cleo.channel("general"), cleo.channel("random")
    refused = f"You need the **Manage Channels** permission in <#{general.id}> to do that."
    reads = await wait_until_final(await cleo.command("/voice read", {"channel": general}, channel="random"))
    assert reads.text.startswith(refused)
    own = await wait_until_final(await cleo.command("/voice read", {"channel": random}, channel="general"))
    assert own.text.startswith("From now on I read aloud")
    await wait_until_final(await mo.command("/voice read", {"channel": general}, channel="random"))
    assert (await run_command(cleo, "/voice read", channel="random")).text.startswith(refused)
    taken = await wait_until_final(await cleo.command("/voice read", {"channel": random}, channel="random"))
    assert taken.text.startswith(refused)
    mo.deletes_channel("general")
    assert (await run_command(cleo, "/voice read", channel="random")).text == "From now on I read no channel aloud."
