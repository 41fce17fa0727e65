"""A server's personas by name: a moderator writes them, members have answers by them, and files carry them over."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate

from bot.messages import answers
from bot.messages import personas as texts
from bot.messages.render import render
from sandbox.client.interaction_result import InteractionResult
from sandbox.client.options import ClientRejected
from sandbox.client.user import ClientUser
from sandbox.discord.interactions import CallbackType
from sandbox.discord.state import DiscordState
from sandbox.json_object import Json
from sandbox.openai.calls import CallKind
from sandbox.sandbox import Sandbox
from tests.support.e2e import ANY_NUMBER, OpenSandbox, ask, run_command
from tests.support.history_schema import ID, MOMENT, TEXT, exactly
from tests.support.openapi import OpenApi

PIRATE = "You are a pirate.\n\nYou call {user} a landlubber."
FILE = exactly(
    format={"const": "multiappai-discord-personas"},
    version={"const": 1},
    exported_at=MOMENT,
    server_id=ID,
    personas={"type": "array", "items": exactly(name=TEXT, text=TEXT)},
)
"""docs/reference/personas.md as a schema."""


@pytest.fixture
async def sandbox(open_sandbox: OpenSandbox, tmp_path: Path) -> Sandbox:
    """A sandbox with two servers, Ada and Mo in both."""
    state = DiscordState()
    state.populate()
    other = state.add_guild("Other")
    state.add_member(other, state.user("Ada"))
    state.add_member(other, state.user("Mo"), roles=[state.add_role(other, "Mods", 1 << 5)])
    return await open_sandbox(ANY_NUMBER, state=state, directory=tmp_path)


def changes_of(directory: Path, name: str) -> list[tuple[str, str | None, str | None, int]]:
    """Return the audit log's entries of a persona with `name` in its name."""
    with closing(sqlite3.connect(directory / "data/bot.db")) as database:
        query = "SELECT setting, old, new, changed_by FROM audit_log WHERE setting LIKE ?"
        return database.execute(query, [f"%{name}%"]).fetchall()


async def test_a_persona_from_its_form_to_an_answer_and_back(
    sandbox: Sandbox, mo: ClientUser, ada: ClientUser, tmp_path: Path
) -> None:
    described = OpenApi.beside_the_checkout()
    assert "no personas to choose from" in (await run_command(ada, "/persona list")).text
    await run_command(mo, "/channel persona", text="You are a channel.")

    opened = await form(mo, "/persona add", " The `Old`  Pirate")
    assert (opened["title"], field(opened)["max_length"]) == ("Persona The 'Old' Pirate", 4000)
    added = await written(mo, "/persona add", " The `Old`  Pirate", PIRATE)
    assert added.private
    assert added.text == render(texts.added("The 'Old' Pirate"))
    await written(mo, "/persona add", "@everyone **&** <#1>", "x" * 4000)
    with pytest.raises(ClientRejected):
        await written(mo, "/persona add", "Parrot", "x" * 4001)

    listed = await run_command(ada, "/persona list")
    assert listed.private
    assert listed.text.splitlines()[1:] == ["- `@everyone **&** <#1>`", "- `The 'Old' Pirate`"]
    assert await offered(ada, "/ask", "persona", "PIR") == ["The 'Old' Pirate"]
    assert await offered(ada, "/ask", "persona", "nobody") == []

    await ask(ada, "Who are you?", persona="the 'OLD' pirate")
    developer, question = sandbox.openai.calls(CallKind.CHAT)[-1].messages
    assert developer["content"].startswith(f"{PIRATE}\n\n")
    assert json.loads(question["content"].splitlines()[0]) == {"speaker": "Ada", "user": "Ada"}
    await ask(ada, "And now?")
    assert sandbox.openai.calls(CallKind.CHAT)[-1].messages[0]["content"].startswith("You are a channel.\n\n")

    assert field(await form(mo, "/persona edit", "THE 'OLD' PIRATE"))["value"] == PIRATE
    await sandbox.restart()
    await written(mo, "/persona edit", "the 'old' pirate", "Arr.")
    await ask(ada, "Who are you now?", persona="The 'Old' Pirate", channel="a thread", private=True)
    assert sandbox.openai.calls(CallKind.CHAT)[-1].messages[0]["content"].startswith("Arr.\n\n")
    assert (await run_command(mo, "/persona remove", name="the 'old' PIRATE")).text == render(
        texts.removed("The 'Old' Pirate")
    )
    assert await offered(mo, "/persona edit", "name", "") == ["@everyone **&** <#1>"]

    assert changes_of(tmp_path, "Old") == [
        ("persona/The 'Old' Pirate", None, PIRATE, mo.id),
        ("persona/The 'Old' Pirate", PIRATE, "Arr.", mo.id),
        ("persona/The 'Old' Pirate", "Arr.", None, mo.id),
    ]
    assert described.complaints(sandbox.traffic_log.requests) == []


async def test_what_is_not_there_or_there_already_is_refused_at_once(
    sandbox: Sandbox, mo: ClientUser, ada: ClientUser
) -> None:
    calls = len(sandbox.openai.requests)
    opened = await (await mo.command("/persona add", name="Pirate")).until(lambda each: each.modal)
    later = await (await mo.command("/persona add", name="pirate")).until(lambda each: each.modal)
    await (await mo.submits(opened, text=PIRATE)).until_answered()
    late = await (await mo.submits(later, text=PIRATE)).until_answered()
    assert late.text == render(texts.name_taken("pirate"))
    editing = await (await mo.command("/persona edit", name="Pirate")).until(lambda each: each.modal)
    refused = [
        await run_command(mo, "/persona add", name="PIRATE"),
        await run_command(mo, "/persona add", name="\u200b"),
        await run_command(ada, "/ask", prompt="Who?", persona="Nobody I know of"),
        await run_command(ada, "/ask", prompt="Who?", persona="Pirate", channel="dm"),
        await run_command(sandbox.user("Ada", guild="Other"), "/ask", prompt="Who?", persona="Pirate"),
    ]
    await run_command(mo, "/persona remove", name="Pirate")
    refused += [
        await (await mo.submits(editing, text="Arr.")).until_answered(),
        await run_command(mo, "/persona edit", name="Pirate"),
        await run_command(mo, "/persona remove", name="Pirate"),
        await run_command(mo, "/persona export"),
    ]
    for used in refused:
        assert used.private
        assert used.interaction.response_type is CallbackType.MESSAGE
        assert "\n" not in used.text
    assert refused[2].text == render(texts.unknown())
    assert refused[3].text == render(texts.only_in_servers())
    assert len(sandbox.openai.requests) == calls
    assert await offered(ada, "/ask", "persona", "", channel="dm") == []
    assert not mo.is_offered("/persona list", "dm")


async def test_files_carry_personas_over_whole_or_not_at_all(sandbox: Sandbox, mo: ClientUser) -> None:
    there = sandbox.user("Mo", guild="Other")
    for name, text in (("Pirate", PIRATE), ("Parrot 🦜", "You are “a parrot”.")):
        await written(mo, "/persona add", name, text)
    exported = await run_command(mo, "/persona export")
    assert exported.private
    (file,) = exported.messages[0].attachments
    assert file.filename == "personas.json"
    content = json.loads(file.data)
    validate(content, FILE)
    assert content["server_id"] == str(mo.guild.id)
    assert [each["text"] for each in content["personas"]] == ["You are “a parrot”.", PIRATE]

    assert (await import_personas(mo, file.data)).text == render(texts.imported(0, 0, 2))
    assert (await import_personas(there, file.data)).text == render(texts.imported(2, 0, 0))
    assert (await run_command(there, "/persona list")).text == (await run_command(mo, "/persona list")).text

    content["personas"] += [{"name": "PIRATE", "text": "Arr."}, {"name": "Owl"}]
    refused = await import_personas(there, json.dumps(content).encode())
    assert refused.private
    assert refused.text.splitlines() == [
        "I imported nothing: there are 2 problems.",
        "- Persona 3 has the same name as persona 2.",
        "- Persona 4 needs a `text`, which has to be text.",
    ]
    large = await import_personas(there, b" " * (4 * 2**20 + 1))
    assert large.text == render(answers.file_too_large(4))
    assert large.interaction.response_type is CallbackType.MESSAGE
    gone = there.uploads("gone.json", file.data, channel=there.channel())
    sandbox.state.attachments.pop(gone.id)
    lost = await run_command(there, "/persona import", file=gone)
    assert lost.text == render(answers.file_download_failed())
    (again,) = (await run_command(there, "/persona export")).messages[0].attachments
    assert json.loads(again.data)["personas"] == json.loads(file.data)["personas"]


async def form(person: ClientUser, command: str, name: str) -> Json:
    """What a command opens."""
    opened = await (await person.command(command, name=name)).until(lambda each: each.modal)
    assert opened.modal is not None
    return opened.modal


def field(modal: Json) -> Json:
    component: Json = modal["components"][0]["component"]
    return component


async def written(person: ClientUser, command: str, name: str, text: str) -> InteractionResult:
    """Open a persona's form and send it."""
    opened = await (await person.command(command, name=name)).until(lambda each: each.modal)
    return await (await person.submits(opened, text=text)).until_answered()


async def import_personas(person: ClientUser, data: bytes) -> InteractionResult:
    file = person.uploads("personas.json", data, channel=person.channel())
    return await run_command(person, "/persona import", file=file)


async def offered(person: ClientUser, command: str, option: str, typed: str, **where: Any) -> list[str]:
    return [each["value"] for each in await person.completes(command, option=option, typed=typed, **where)]
