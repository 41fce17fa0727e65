"""What holds where, and who may change it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.context import Permission, RequestContext
from bot.errors import InvalidOption, MissingPermission, ModelNotAllowed, NotInGuild
from bot.guilds.personas import Personas
from bot.guilds.settings import PERSONA, ChatSettings, GuildSettings, Level, SettingScope
from bot.model_catalog import ModelAllowlist, ModelCatalog, ModelKind, ModelKinds
from bot.store.audit_log import AuditLog
from bot.store.database import Database
from bot.store.personas import StoredPersonas
from bot.store.settings import StoredSettings
from bot.workers.pool import DecodingWorkers
from tests.support.clock import FakeClock
from tests.support.requests import make_requester

GUILD, CHANNEL, OTHER = 7, 8, 9
OPERATORS = "Be kind."
MODERATOR = make_requester(1, "Mo", guild_id=GUILD, channel_id=CHANNEL, permissions=Permission)
MEMBER = make_requester(2, guild_id=GUILD, channel_id=CHANNEL)
NEXT_DOOR = make_requester(2, guild_id=GUILD, channel_id=OTHER)
IN_A_THREAD = make_requester(2, guild_id=GUILD, channel_id=88, settings_channel_id=CHANNEL)

Act = Callable[[GuildSettings, RequestContext], Awaitable[object]]


@pytest.fixture
def settings(database: Database, workers: DecodingWorkers) -> GuildSettings:
    defaults = {ModelKind.CHAT: "gpt-4.1", ModelKind.SPEECH: "tts-1", ModelKind.IMAGE: "dall-e-3"}
    clock = FakeClock()

    async def listed() -> list[str]:
        return []

    catalogue = ModelCatalog(listed, ModelAllowlist(ModelKinds(), ("gpt-*",), defaults), clock)
    personas = Personas(StoredPersonas(database), clock, workers.files)
    return GuildSettings(StoredSettings(database), personas, catalogue, clock, persona=OPERATORS)


async def test_a_persona_holds_in_its_channel_and_its_threads(settings: GuildSettings) -> None:
    await settings.set_persona(MODERATOR, SettingScope.SERVER, "You are a server.")
    await settings.set_persona(MODERATOR, SettingScope.CHANNEL, "  You are a channel.\n")
    assert (await settings.get_chat_settings(MEMBER)).persona == "You are a channel."
    assert (await settings.get_chat_settings(IN_A_THREAD)).persona == "You are a channel."
    assert (await settings.get_chat_settings(NEXT_DOOR)).persona == "You are a server."


async def test_one_read_gives_the_model_and_the_persona(
    settings: GuildSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    get_values = StoredSettings.get_values

    async def count(*arguments: Any) -> tuple[dict[str, str], dict[str, str]]:
        nonlocal reads
        reads += 1
        return await get_values(*arguments)

    monkeypatch.setattr(StoredSettings, "get_values", count)
    assert await settings.get_chat_settings(MEMBER) == ChatSettings("gpt-4.1", OPERATORS)
    assert reads == 1


async def test_a_persona_that_is_named_beats_them_all(
    settings: GuildSettings, database: Database, workers: DecodingWorkers
) -> None:
    await Personas(StoredPersonas(database), FakeClock(), workers.files).add(MODERATOR, "Pirate", "Arr, {user}.")
    await settings.set_persona(MODERATOR, SettingScope.CHANNEL, "You are a channel.")
    assert (await settings.get_chat_settings(MEMBER, persona="PIRATE ")).persona == "Arr, {user}."
    assert await settings.list_persona_choices(MEMBER) == ["Pirate"]
    with pytest.raises(InvalidOption):
        await settings.get_chat_settings(MEMBER, persona="Parrot")
    assert (await settings.get_chat_settings(MEMBER)).persona == "You are a channel."


async def test_a_servers_model_holds_where_a_channel_has_none(settings: GuildSettings) -> None:
    await settings.set_model(MODERATOR, SettingScope.SERVER, ModelKind.CHAT, "gpt-4o")
    await settings.set_model(MODERATOR, SettingScope.CHANNEL, ModelKind.CHAT, "gpt-4.1-mini")
    assert (await settings.get_chat_settings(MEMBER)).model == "gpt-4.1-mini"
    assert (await settings.get_chat_settings(NEXT_DOOR)).model == "gpt-4o"
    assert (await settings.get_chat_settings(NEXT_DOOR, model="gpt-5")).model == "gpt-5"


async def test_taking_back_leads_to_the_next_level(settings: GuildSettings) -> None:
    await settings.set_persona(MODERATOR, SettingScope.SERVER, "server")
    await settings.set_persona(MODERATOR, SettingScope.CHANNEL, "channel")
    assert list(await settings.reset(MODERATOR, SettingScope.CHANNEL)) == [PERSONA]
    assert (await settings.get_chat_settings(MEMBER)).persona == "server"
    assert list(await settings.reset(MODERATOR, SettingScope.SERVER)) == [PERSONA]
    assert (await settings.get_chat_settings(MEMBER)).persona == OPERATORS
    assert list(await settings.reset(MODERATOR, SettingScope.SERVER)) == []


async def test_what_is_shown_says_where_it_comes_from(settings: GuildSettings) -> None:
    await settings.set_model(MODERATOR, SettingScope.CHANNEL, ModelKind.CHAT, "gpt-4o")
    await settings.set_persona(MODERATOR, SettingScope.SERVER, "server")
    channels = {
        resolved.setting.name: (resolved.value, resolved.level)
        for resolved in await settings.list_resolved(MODERATOR, SettingScope.CHANNEL)
    }
    servers = {
        resolved.setting.name: (resolved.value, resolved.level)
        for resolved in await settings.list_resolved(MODERATOR, SettingScope.SERVER)
    }
    assert channels == {
        "chat_model": ("gpt-4o", Level.CHANNEL),
        "speech_model": ("tts-1", Level.OPERATOR),
        "image_model": ("dall-e-3", Level.OPERATOR),
        "persona": ("server", Level.SERVER),
    }
    assert servers == channels | {"chat_model": ("gpt-4.1", Level.OPERATOR), "read_channel": ("", Level.OPERATOR)}


@pytest.mark.parametrize("place", SettingScope)
@pytest.mark.parametrize(
    "act",
    [
        lambda place: lambda settings, requester: settings.set_model(requester, place, ModelKind.CHAT, "gpt-4o"),
        lambda place: lambda settings, requester: settings.set_persona(requester, place, "Obey."),
        lambda place: lambda settings, requester: settings.get_persona_for_edit(requester, place),
        lambda place: lambda settings, requester: settings.list_resolved(requester, place),
        lambda place: lambda settings, requester: settings.reset(requester, place),
    ],
    ids=["model", "persona", "form", "show", "reset"],
)
async def test_without_the_right_nothing_is_shown_or_changed(
    settings: GuildSettings, database: Database, place: SettingScope, act: Callable[[SettingScope], Act]
) -> None:
    await settings.set_persona(MODERATOR, place, "Mine.")
    others = make_requester(
        3, "Eve", guild_id=GUILD, channel_id=CHANNEL, permissions=frozenset(Permission) - {place.permission}
    )
    with pytest.raises(MissingPermission, match=place.permission):
        await act(place)(settings, others)
    with pytest.raises(NotInGuild):
        await act(place)(settings, make_requester(3, "Eve", guild_id=None, channel_id=CHANNEL))
    assert settings.list_model_choices(others, place, ModelKind.CHAT, "") == []
    assert settings.list_model_choices(MODERATOR, place, ModelKind.CHAT, "") == ["gpt-4.1"]
    assert len(await AuditLog(database).list_newest(GUILD, 10)) == 1


@pytest.mark.parametrize("text", ["", " \n ", "x" * 4001], ids=["empty", "blank", "too long"])
async def test_a_persona_that_cannot_be_used_is_refused(settings: GuildSettings, text: str) -> None:
    with pytest.raises(InvalidOption):
        await settings.set_persona(MODERATOR, SettingScope.CHANNEL, text)
    assert (await settings.get_chat_settings(MEMBER)).persona == OPERATORS


async def test_a_model_that_may_not_be_chosen_is_refused(settings: GuildSettings) -> None:
    with pytest.raises(ModelNotAllowed):
        await settings.set_model(MODERATOR, SettingScope.SERVER, ModelKind.CHAT, "llama")
    assert (await settings.get_chat_settings(MEMBER)).model == "gpt-4.1"
