"""Where the bot serves and whom, how it comes to a server, and how it leaves one."""

import re

import pytest

from sandbox.client.user import ClientUser
from sandbox.discord.entities import Guild
from sandbox.discord.messages import Message, MessageFlag
from sandbox.discord.permissions import Permission
from sandbox.discord.state import DiscordState
from sandbox.openai.calls import CallKind
from sandbox.sandbox import Sandbox
from tests.support.e2e import DEADLINE_S, OpenSandbox, ask, run_command


async def test_a_server_that_is_not_allowed_is_left_at_the_start_and_when_it_asks_the_bot_in(
    open_sandbox: OpenSandbox,
) -> None:
    state = DiscordState()
    home = state.populate()
    away = state.add_guild("Away")
    sandbox = await open_sandbox({"ALLOWED_GUILDS": f"{home.id}, 5"}, state=state)
    await sandbox.state.changed.until(
        lambda: sandbox.state.bot_guilds == [home], deadline_s=DEADLINE_S, what="it to leave"
    )
    _ask_in(sandbox, away)
    await sandbox.state.changed.until(
        lambda: sandbox.state.bot_guilds == [home], deadline_s=DEADLINE_S, what="it to leave again"
    )
    assert len([line for line in sandbox.bot_process.log if "leaving a server" in line and str(away.id) in line]) == 2
    assert not any(sandbox.state.messages.get(channel, []) for channel in away.channels)
    assert (await ask(sandbox.user("Ada"), "Are you there?")).deferred


async def test_direct_messages_can_be_off(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({"ALLOW_DMS": "false"})
    ada = sandbox.user("Ada")
    refused = await run_command(ada, "/ask", prompt="Psst!", channel="dm")
    assert refused.private
    assert refused.text == "I only work in servers, not in direct messages."
    assert await ada.completes("/ask", option="model", channel="#general")
    with pytest.raises(TimeoutError):
        await ada.completes("/ask", option="model", channel="dm", deadline_s=1)
    assert sandbox.openai.calls(CallKind.CHAT) == []
    assert (await ask(ada, "Hello!")).deferred


async def test_blocked_people_get_nothing_done_by_command_choice_or_form(open_sandbox: OpenSandbox) -> None:
    state = DiscordState()
    state.populate()
    sandbox = await open_sandbox({"BLOCKED_USERS": f"{state.user('Mo').id},17"}, state=state)
    mo, cleo = sandbox.user("Mo"), sandbox.user("Cleo")
    for command, options in (("/ask", {"prompt": "Hi"}), ("/help", {}), ("/channel persona", {"text": "Obey."})):
        refused = await run_command(mo, command, **options)
        assert (refused.private, refused.text) == (True, "I can't do that for you.")
    with pytest.raises(TimeoutError):
        await mo.completes("/channel model", option="model", deadline_s=1)
    state.guild().members[cleo.id].role_ids.extend(state.guild().members[mo.id].role_ids)
    opened = await (await cleo.command("/channel persona")).until(lambda used: used.modal)
    opened.interaction.user = mo.user
    sent = await (await mo.submits(opened, text="Obey.")).until_answered()
    assert (sent.private, sent.text) == (True, "I can't do that for you.")
    await ask(cleo, "Who are you?")
    assert "Obey." not in str(sandbox.openai.calls(CallKind.CHAT)[-1].messages)


async def test_on_joining_it_says_three_lines_in_the_first_channel_it_may_write_to(sandbox: Sandbox) -> None:
    guild = sandbox.state.add_guild("New", channels=("rules", "lobby", "news"))
    guild.system_channel_id = guild.channel("news").id
    sandbox.discord.gateway.dispatch_guild(guild, joined=True)
    said = (await _said(sandbox, guild, "rules")).content.splitlines()
    assert len(said) == 3
    assert re.match(
        r"Hello! </ask:\d+> answers, </say:\d+> speaks, </draw:\d+> makes images; </help:\d+> shows the rest\.", said[0]
    )
    assert said[1] == "I have all the permissions I need."
    assert "</server persona:" in said[2]


async def test_it_pings_nobody_says_what_it_lacks_and_looks_for_a_channel_that_is_open(sandbox: Sandbox) -> None:
    guild = sandbox.state.add_guild("@everyone", channels=("rules", "lobby"))
    everyone, own = guild.roles.values()
    for role in (everyone, own):
        role.permissions &= ~int(Permission.SEND_MESSAGES)
    sandbox.state.overwrite(guild.channel("lobby"), own, allow=Permission.SEND_MESSAGES)
    sandbox.discord.gateway.dispatch_guild(guild, joined=True)
    message = await _said(sandbox, guild, "lobby")
    assert message.content.splitlines()[1].startswith("I don't have **Send Messages** (")
    assert not message.mentions.everyone
    assert message.flags & MessageFlag.SUPPRESS_NOTIFICATIONS
    assert not sandbox.state.messages.get(guild.channel("rules").id)


async def test_it_says_hello_once_and_never_at_a_start(sandbox: Sandbox, ada: ClientUser) -> None:
    guild = sandbox.state.add_guild("New")
    sandbox.discord.gateway.dispatch_guild(guild, joined=True)
    await _said(sandbox, guild, "general")
    sandbox.discord.deletions.outage(guild)
    sandbox.discord.deletions.end_outage(guild)
    await sandbox.restart()
    await ask(ada, "Anything new?")
    assert len(sandbox.state.messages[guild.channel("general").id]) == 1


async def test_a_server_that_takes_it_back_is_greeted_anew(sandbox: Sandbox) -> None:
    guild = sandbox.state.add_guild("Fickle")
    sandbox.discord.gateway.dispatch_guild(guild, joined=True)
    await _said(sandbox, guild, "general")
    sandbox.discord.deletions.bot(guild)
    _ask_in(sandbox, guild)
    messages = sandbox.state.messages[guild.channel("general").id]
    await sandbox.state.changed.until(lambda: len(messages) == 2, deadline_s=DEADLINE_S, what="a second greeting")


async def test_two_processes_say_hello_once(sandbox: Sandbox, ada: ClientUser) -> None:
    sibling = await sandbox.start_second()
    guild = sandbox.state.add_guild("New")
    sandbox.discord.gateway.dispatch_guild(guild, joined=True)
    for child in (sandbox.bot_process, sibling):
        await child.until_logged("joined a server", deadline_s=DEADLINE_S)
    await _said(sandbox, guild, "general")
    await ask(ada, "Is there more to come?")
    assert len(sandbox.state.messages[guild.channel("general").id]) == 1


async def test_where_it_may_write_nowhere_it_stays_silent(sandbox: Sandbox, ada: ClientUser) -> None:
    guild = sandbox.state.add_guild("Quiet")
    for role in guild.roles.values():
        role.permissions &= ~int(Permission.SEND_MESSAGES)
    sandbox.discord.gateway.dispatch_guild(guild, joined=True)
    await sandbox.bot_process.until_logged("no channel for the welcome", deadline_s=DEADLINE_S)
    assert not sandbox.state.messages.get(guild.channel("general").id)
    assert (await ask(ada, "Hello?")).deferred


def _ask_in(sandbox: Sandbox, guild: Guild) -> None:
    sandbox.discord.deletions.readd_bot(guild)


async def _said(sandbox: Sandbox, guild: Guild, channel: str) -> Message:
    place = guild.channel(channel)
    await sandbox.state.changed.until(
        lambda: sandbox.state.messages.get(place.id), deadline_s=DEADLINE_S, what="a greeting"
    )
    return sandbox.state.messages[place.id][0]
