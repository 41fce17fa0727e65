"""A server's personas by name: who may, what is refused, what is kept."""

import dataclasses
import json
from collections.abc import Awaitable, Callable

import pytest

from bot.context import Permission, RequestContext
from bot.errors import InvalidOption, MissingPermission, NotInGuild
from bot.guilds.persona_files import MAX_PERSONAS
from bot.guilds.personas import Imported, Personas
from bot.messages import personas as texts
from bot.messages.render import render
from bot.store.audit_log import AuditLog
from bot.store.database import Database
from bot.store.personas import StoredPersonas
from bot.workers.pool import DecodingWorkers, Workers
from tests.support.clock import FakeClock
from tests.support.requests import make_requester

GUILD = 7
MO = make_requester(1, "Mo", guild_id=GUILD, permissions=Permission)
ADA = make_requester(2, guild_id=GUILD)
DIRECT = make_requester(2, guild_id=None, channel_id=9)
PIRATE = "You are a pirate."

Act = Callable[[Personas, RequestContext], Awaitable[object]]


@pytest.fixture
def personas(database: Database, workers: DecodingWorkers) -> Personas:
    return Personas(StoredPersonas(database), FakeClock(), workers.files)


async def refusal(waiting: Awaitable[object]) -> str:
    with pytest.raises(InvalidOption) as refused:
        await waiting
    return render(refused.value.message)


async def test_every_member_sees_and_chooses_what_a_moderator_wrote(personas: Personas) -> None:
    assert await personas.check_new(MO, "  The  Pirate ") == "The Pirate"
    assert await personas.add(MO, "The Pirate", f" {PIRATE}\n") == "The Pirate"
    assert await personas.list_names(ADA) == await personas.list_choices(ADA) == ["The Pirate"]
    assert await personas.get_text(ADA, "the pirate") == PIRATE
    assert await personas.list_names(dataclasses.replace(ADA, guild_id=GUILD + 1)) == []


async def test_a_name_is_there_once_whatever_its_case(personas: Personas) -> None:
    await personas.add(MO, "Pirate", PIRATE)
    taken = render(texts.name_taken("PIRATE"))
    assert await refusal(personas.check_new(MO, "PIRATE")) == taken
    assert await refusal(personas.add(MO, "PIRATE", "Arr.")) == taken
    assert await personas.change(MO, "PIRATE", "Arr.") == "Pirate"
    assert (await personas.get_for_edit(MO, "pirate")).persona == "Arr."
    assert await personas.remove(MO, "PIRATE") == "Pirate"
    assert await personas.list_names(ADA) == []


async def test_what_is_not_there_is_refused_in_one_sentence(personas: Personas) -> None:
    unknown = render(texts.unknown())
    for waiting in (
        personas.get_text(ADA, "Parrot"),
        personas.get_for_edit(MO, " "),
        personas.change(MO, "Parrot", "Arr."),
        personas.remove(MO, "Parrot"),
    ):
        assert await refusal(waiting) == unknown


@pytest.mark.parametrize("text", ["", " \n ", "x" * 4001], ids=["empty", "blank", "too long"])
async def test_a_text_that_cannot_be_used_is_refused(personas: Personas, text: str) -> None:
    await personas.add(MO, "Pirate", PIRATE)
    assert await refusal(personas.add(MO, "Parrot", text))
    assert await refusal(personas.change(MO, "Pirate", text))
    assert await personas.get_text(ADA, "Pirate") == PIRATE


async def test_there_is_an_end_to_them(personas: Personas) -> None:
    for number in range(MAX_PERSONAS):
        await personas.add(MO, f"Persona {number}", PIRATE)
    full = render(texts.too_many(50))
    assert await refusal(personas.check_new(MO, "Pirate")) == full
    assert await refusal(personas.add(MO, "Pirate", PIRATE)) == full
    data = (await personas.export(MO)).replace(b'"Persona 7"', b'"Pirate"')
    assert await refusal(personas.import_file(MO, data)) == (
        "I imported nothing. With those in the file there would be 51 personas, and a server can have 50."
    )
    assert "Pirate" not in await personas.list_names(ADA)


async def test_the_import_of_an_export_changes_nothing(personas: Personas, database: Database) -> None:
    await personas.add(MO, "Pirate", "You are\na “pirate” 🏴\u200d☠️, {user}.")
    await personas.add(MO, "`Parrot`", "\x07 \\u0000")
    data = await personas.export(MO)
    logged = await AuditLog(database).list_newest(GUILD, 9)
    assert await personas.import_file(MO, data) == Imported(new=0, changed=0, same=2)
    assert await personas.export(MO) == data
    assert await AuditLog(database).list_newest(GUILD, 9) == logged
    elsewhere = dataclasses.replace(MO, guild_id=GUILD + 1)
    assert await personas.import_file(elsewhere, data) == Imported(new=2, changed=0, same=0)
    assert json.loads(await personas.export(elsewhere))["personas"] == json.loads(data)["personas"]


async def test_a_file_is_read_by_a_worker_and_by_nothing_else(database: Database) -> None:
    async with Workers() as ended:
        pass
    personas = Personas(StoredPersonas(database), FakeClock(), ended)
    sentence = render(texts.file_problem(texts.unreadable_file()))
    assert await refusal(personas.import_file(MO, b"{}")) == sentence


async def test_a_file_of_nothing_but_brackets_is_refused(personas: Personas) -> None:
    data = b'{"format": "multiappai-discord-personas", "version": 1, "personas": [' + b"[]," * 1_000_000 + b"[]]}"
    sentence = "I imported nothing. The file has 1,000,001 personas, and a server can have 50."
    assert await refusal(personas.import_file(MO, data)) == sentence


async def test_an_import_replaces_what_has_the_same_name_and_leaves_the_rest(personas: Personas) -> None:
    await personas.add(MO, "Pirate", PIRATE)
    data = await personas.export(MO)
    await personas.change(MO, "Pirate", "Arr.")
    await personas.add(MO, "Parrot", "You are a parrot.")
    assert await personas.import_file(MO, data) == Imported(new=0, changed=1, same=0)
    assert await personas.get_text(ADA, "Pirate") == PIRATE
    assert await personas.list_names(ADA) == ["Parrot", "Pirate"]
    await refusal(personas.import_file(MO, data.replace(b"You are", b"").replace(b"a pirate.", b"")))
    assert await personas.get_text(ADA, "Pirate") == PIRATE


@pytest.mark.parametrize(
    "act",
    [
        lambda personas, requester: personas.check_new(requester, "Parrot"),
        lambda personas, requester: personas.add(requester, "Parrot", "Obey."),
        lambda personas, requester: personas.get_for_edit(requester, "Pirate"),
        lambda personas, requester: personas.change(requester, "Pirate", "Obey."),
        lambda personas, requester: personas.remove(requester, "Pirate"),
        lambda personas, requester: personas.export(requester),
        lambda personas, requester: personas.import_file(requester, b"{}"),
    ],
    ids=["new", "add", "form", "change", "remove", "export", "import"],
)
async def test_without_the_right_nothing_is_shown_or_changed(personas: Personas, database: Database, act: Act) -> None:
    await personas.add(MO, "Pirate", PIRATE)
    with pytest.raises(MissingPermission):
        await act(personas, dataclasses.replace(MO, permissions=frozenset(Permission) - {Permission.MANAGE_SERVER}))
    with pytest.raises(NotInGuild):
        await act(personas, DIRECT)
    assert len(await AuditLog(database).list_newest(GUILD, 9)) == 1


async def test_choices_are_for_those_who_may_use_them(personas: Personas) -> None:
    await personas.add(MO, "Pirate", PIRATE)
    assert await personas.list_editable(MO) == ["Pirate"]
    assert await personas.list_editable(ADA) == []
    assert await personas.list_choices(DIRECT) == await personas.list_editable(DIRECT) == []


async def test_there_are_none_in_direct_messages(personas: Personas) -> None:
    assert "there are none in direct messages" in await refusal(personas.get_text(DIRECT, "Pirate"))
    with pytest.raises(NotInGuild):
        await personas.list_names(DIRECT)


async def test_with_none_there_is_nothing_to_export(personas: Personas) -> None:
    assert await refusal(personas.export(MO)) == render(texts.nothing_to_export())
