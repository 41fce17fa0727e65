"""Rights, asked anew each time: with a permission taken away, no command, form, button or choice does anything.

Taken from the commands as they are registered, so that a new one is tried as well.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.client.components import find_buttons
from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.discord.permissions import ALL, Permission
from sandbox.discord.validation.commands import ATTACHMENT, CHANNEL, GROUP, INTEGER, ROLE, STRING, SUBCOMMAND, USER
from sandbox.openai.faults import Cut, Stall
from sandbox.sandbox import Sandbox
from tests.support.e2e import (
    ANY_NUMBER,
    DEADLINE_S,
    OpenSandbox,
    all_of,
    ask,
    run_command,
    wait_until_final,
    wait_until_started,
)

MIXED = {
    "usage": ({"scope": "server"}, Permission.MANAGE_GUILD),
    "history show": ({}, Permission.READ_MESSAGE_HISTORY),
    "history export": ({}, Permission.READ_MESSAGE_HISTORY),
    "history clear": ({}, Permission.MANAGE_MESSAGES),
    "pronounce add": ({"word": "tomato", "say": "tomayto"}, Permission.MANAGE_GUILD),
    "pronounce remove": ({"word": "tomato"}, Permission.MANAGE_GUILD),
    "persona add": ({"name": "Magpie"}, Permission.MANAGE_GUILD),
    "persona edit": ({}, Permission.MANAGE_GUILD),
    "persona remove": ({}, Permission.MANAGE_GUILD),
    "persona export": ({}, Permission.MANAGE_GUILD),
    "persona import": ({}, Permission.MANAGE_GUILD),
}
"""Commands that take a right, at least with these options, in groups that carry no default permission."""

NAMES = {
    Permission.MANAGE_CHANNELS: "Manage Channels",
    Permission.MANAGE_GUILD: "Manage Server",
    Permission.MANAGE_MESSAGES: "Manage Messages",
    Permission.READ_MESSAGE_HISTORY: "Read Message History",
}

ANSWER_BUTTONS = ("Stop", "Regenerate", "Continue", "Read aloud", "Delete")
PICTURE_BUTTONS = ("Again", "Edit prompt", "Delete")

TEXTS = {"model": "gpt-4o", "limit": "5", "text": "Obey.", "word": "tomato", "say": "tomayto", "name": "Parrot"}
"""What is typed into options that take any text."""

PERSONAS = {"format": "multiappai-discord-personas", "version": 1, "personas": [{"name": "Owl", "text": "Hoo."}]}
"""What is in a file that is given to an option."""

RUNNING_TOTALS = {
    "processed_events",
    "inflight_answers",
    "processes",
    "reservations",
    "reservation_items",
    "usage_counters",
}
"""Tables in which things come and go with every command, allowed or not."""


@dataclass(frozen=True)
class Moderators:
    """A command for moderators: its name, its options as they are filled in, and the permission it takes."""

    name: str
    needs: Permission
    given: dict[str, Any] = field(default_factory=dict)


async def _box(open_sandbox: OpenSandbox, directory: Path) -> Sandbox:
    sandbox = await open_sandbox(ANY_NUMBER, directory=directory)
    mo = sandbox.user("Mo")
    await run_command(mo, "/channel persona", text="You are a pirate.")
    await run_command(mo, "/server persona", text="You are a parrot.")
    await run_command(mo, "/pronounce add", word="potato", say="potahto")
    opened = await (await mo.command("/persona add", name=TEXTS["name"])).until(lambda it: it.modal)
    await (await mo.submits(opened, text="You are a parrot.")).until_answered()
    await ask(mo, "Who are you?")
    await sandbox.bot_process.until_logged(
        "request command=ask", deadline_s=DEADLINE_S
    )  # until then its messages are noted
    return sandbox


async def test_no_moderators_command_does_anything_without_its_right(open_sandbox: OpenSandbox, tmp_path: Path) -> None:
    sandbox = await _box(open_sandbox, tmp_path)
    tried = [each for each in _moderators(sandbox) for _ in _holding_all_but(sandbox, each.needs)]
    before = _kept(tmp_path)
    for each in _moderators(sandbox):
        for person in _holding_all_but(sandbox, each.needs):
            used = await wait_until_final(await person.command(each.name, each.given, force=True))
            assert used.private, each
            assert used.text.startswith(f"You need the **{NAMES[each.needs]}** permission here to do that. "), each
            assert "only decides who sees a command, not who may use it" in used.text
            assert used.modal is None
            assert used.messages[0].attachments == []
    assert len(tried) >= 15
    assert _kept(tmp_path) == before


async def test_the_same_commands_work_with_no_right_but_the_one_they_take(
    open_sandbox: OpenSandbox, tmp_path: Path
) -> None:
    sandbox = await _box(open_sandbox, tmp_path)
    for each in _moderators(sandbox):
        person = _with(sandbox, each.needs)
        used = await person.command(each.name, each.given)
        await used.until(lambda it: it.modal or (it.messages and not it.thinking))
        assert "permission here to do that" not in used.text, each


async def test_no_choices_are_offered_without_the_right(open_sandbox: OpenSandbox, tmp_path: Path) -> None:
    sandbox = await _box(open_sandbox, tmp_path)
    completing = [
        (each, option["name"])
        for each in _moderators(sandbox)
        for option in _options(sandbox, each.name)
        if option.get("autocomplete")
    ]
    for each, option in completing:
        (person, *_) = _holding_all_but(sandbox, each.needs)
        assert await person.completes(each.name, option=option) == []
        assert await _with(sandbox, each.needs).completes(each.name, option=option)
    assert {("channel model", "model"), ("persona remove", "name")} <= {(each.name, name) for each, name in completing}


async def test_a_form_is_refused_when_the_right_is_gone_before_it_is_sent(
    open_sandbox: OpenSandbox, tmp_path: Path
) -> None:
    sandbox = await _box(open_sandbox, tmp_path)
    opened: list[tuple[Moderators, ClientUser, InteractionResult]] = []
    for each in _moderators(sandbox):
        person = _with(sandbox, each.needs)
        used = await person.command(each.name, each.given, force=True)
        await used.until(lambda it: it.modal or it.messages)
        if used.modal:
            opened.append((each, person, used))
    before = _kept(tmp_path)
    for each, person, used in opened:
        _set_rights(sandbox, person, ALL & ~Permission.ADMINISTRATOR & ~each.needs)
        sent = await (await person.submits(used, text="Obey.")).until_answered()
        assert sent.private
        assert f"**{NAMES[each.needs]}**" in sent.text
    assert {each.name for each, *_ in opened} >= {"channel persona", "server persona", "persona add", "persona edit"}
    assert _kept(tmp_path) == before


async def test_a_button_is_refused_when_the_right_is_gone_before_it_is_pressed(
    open_sandbox: OpenSandbox, tmp_path: Path
) -> None:
    sandbox = await _box(open_sandbox, tmp_path)
    mo = sandbox.user("Mo")
    await all_of(ask(mo, f"question {number}") for number in range(8))
    pressed = []
    for each in _moderators(sandbox):
        if each.name not in MIXED:
            continue
        person = _with(sandbox, each.needs)
        shown = await person.command(each.name, each.given)
        await shown.until(lambda it: it.modal or (it.messages and not it.thinking))
        if shown.modal:
            continue
        before = _kept(tmp_path)
        _set_rights(sandbox, person, ALL & ~Permission.ADMINISTRATOR & ~each.needs)
        for button in find_buttons(shown.messages[0].components):
            if button.get("disabled"):
                continue
            used = await person.clicks(shown.messages[0], button["custom_id"])
            await used.until(lambda it: it.responded)
            assert f"**{NAMES[each.needs]}**" in used.text, each.name
            pressed.append(each.name)
        assert _kept(tmp_path) == before
    assert pressed or "history clear" not in _names(sandbox)


async def test_a_button_under_somebody_elses_answer_or_picture_does_nothing_without_the_right(
    open_sandbox: OpenSandbox, tmp_path: Path
) -> None:
    sandbox = await _box(open_sandbox, tmp_path)
    ada, right = sandbox.user("Ada"), Permission.MANAGE_MESSAGES
    sandbox.openai.faults.next("chat", Stall(after=4))
    running = await wait_until_started(await ada.command("/ask", prompt="Go on."))
    sandbox.openai.faults.next("chat", Cut(after=3))
    messages = [
        running.messages[0],
        (await ask(ada, "What breaks off?")).messages[0],
        (await run_command(ada, "/draw", prompt="a tide")).messages[0],
    ]
    labels = [each["label"] for message in messages for each in find_buttons(message.components)]
    assert sorted(labels) == sorted([*ANSWER_BUTTONS, *PICTURE_BUTTONS])
    before, calls = _kept(tmp_path), len(sandbox.openai.requests)
    for message in messages:
        for button in find_buttons(message.components):
            for person in _holding_all_but(sandbox, right):
                used = await wait_until_final(await person.clicks(message, button["custom_id"]))
                assert (used.private, used.modal) == (True, None)
                assert used.text.startswith("Only the member who asked can do that"), button["label"]
    assert _kept(tmp_path) == before
    assert [call for call in sandbox.openai.requests[calls:] if call.kind != "models"] == []
    await (await _with(sandbox, right).clicks(messages[0], "Stop")).until_acknowledged()
    await wait_until_final(running)
    assert "Regenerate" in [each["label"] for each in find_buttons(messages[0].components)]


async def test_an_administrator_may_do_it_all(open_sandbox: OpenSandbox, tmp_path: Path) -> None:
    sandbox = await _box(open_sandbox, tmp_path)
    person = _with(sandbox, Permission.ADMINISTRATOR)
    for each in _moderators(sandbox):
        used = await person.command(each.name, each.given)
        await used.until(lambda it: it.modal or it.messages)
        assert "permission here to do that" not in used.text


async def test_groups_of_moderators_alone_carry_a_default_permission_and_mixed_ones_none(sandbox: Sandbox) -> None:
    defaults = {
        command["name"]: command["default_member_permissions"] for command in sandbox.discord.commands.commands.values()
    }
    assert defaults["channel"] == str(int(Permission.MANAGE_CHANNELS))
    assert defaults["server"] == str(int(Permission.MANAGE_GUILD))
    mixed = {name.split()[0] for name in MIXED} & defaults.keys()
    assert [defaults[name] for name in mixed] == [None] * len(mixed)


def _moderators(sandbox: Sandbox) -> list[Moderators]:
    """Every registered command that takes a right, bare and with all its options."""
    found = []
    for command in sandbox.discord.commands.commands.values():
        needed = command["default_member_permissions"]
        for name, options in _leaves(command):
            if needed is not None:
                needs = Permission(int(needed))
                bare = {each["name"]: _typed(sandbox, each) for each in options if each.get("required")}
                full = {
                    each["name"]: _typed(sandbox, each) for each in options if not each["name"].startswith("target_")
                }
                found.append(Moderators(name, needs, bare))
                if full != bare:
                    found.append(Moderators(name, needs, full))
            elif name in MIXED:
                given, needs = MIXED[name]
                bare = {each["name"]: _typed(sandbox, each) for each in options if each.get("required")}
                found.append(Moderators(name, needs, bare | given))
    assert {each.needs for each in found} >= {Permission.MANAGE_CHANNELS, Permission.MANAGE_GUILD}
    return found


def _leaves(command: dict[str, Any], above: str = "") -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The commands below a registered one that can be used, by their whole names."""
    name = f"{above} {command['name']}".strip()
    options = command.get("options", [])
    below = [each for each in options if each["type"] in (SUBCOMMAND, GROUP)]
    if not below:
        yield name, options
    for each in below:
        yield from _leaves(each, name)


def _names(sandbox: Sandbox) -> set[str]:
    return {name for command in sandbox.discord.commands.commands.values() for name, _ in _leaves(command)}


def _options(sandbox: Sandbox, name: str) -> list[dict[str, Any]]:
    return next(
        options
        for command in sandbox.discord.commands.commands.values()
        for leaf, options in _leaves(command)
        if leaf == name
    )


def _typed(sandbox: Sandbox, option: dict[str, Any]) -> object:
    """Something that fits an option."""
    if option.get("choices"):
        return option["choices"][0]["value"]
    if option["type"] == STRING:
        return TEXTS[option["name"]]
    guild = sandbox.state.guild()
    things = {
        INTEGER: option.get("min_value", 1),
        USER: sandbox.state.user("Ada"),
        CHANNEL: guild.channel("general"),
        ROLE: next(role for role in guild.roles.values() if role.mentionable),
        ATTACHMENT: sandbox.user("Mo").uploads("some.json", json.dumps(PERSONAS).encode()),
    }
    return things.get(option["type"], True)


def _with(sandbox: Sandbox, rights: int) -> ClientUser:
    """Somebody new who holds these rights beside everyone's."""
    person = sandbox.join(f"Somebody {len(sandbox.state.users)}")
    _set_rights(sandbox, person, rights)
    return person


def _holding_all_but(sandbox: Sandbox, right: Permission) -> list[ClientUser]:
    """People without a right: one with everyone's only, one with every other."""
    return [_with(sandbox, 0), _with(sandbox, ALL & ~Permission.ADMINISTRATOR & ~right)]


def _set_rights(sandbox: Sandbox, person: ClientUser, rights: int) -> None:
    """Let a person hold these rights and everyone's; those of everyone that are not among them are denied."""
    guild = sandbox.state.guild()
    role = sandbox.state.add_role(guild, f"role of {person.name}", rights)
    guild.members[person.id].role_ids = [role.id]
    denied = Permission.READ_MESSAGE_HISTORY if not rights & Permission.READ_MESSAGE_HISTORY else 0
    for channel in guild.channels.values():
        if not channel.is_thread:
            sandbox.state.overwrite(channel, guild.members[person.id], deny=denied)


def _kept(directory: Path) -> dict[str, list[tuple[object, ...]]]:
    """Everything in the database that a command could change for good."""
    with closing(sqlite3.connect(directory / "data/bot.db")) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {
            table: sorted(database.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
            for table in tables
            if table not in RUNNING_TOTALS and not table.startswith("sqlite_")
        }
