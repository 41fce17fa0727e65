"""What the sandbox takes as an application command, and what it makes of it."""

import aiohttp
import pytest

from sandbox.discord.errors import DiscordError
from sandbox.discord.server import DiscordServer
from sandbox.discord.validation.commands import validate_command
from sandbox.json_object import Json
from tests.sandbox.raw_client import RawClient

TEXT = {"type": 3, "name": "text", "description": "What"}
SAY = {"name": "say", "description": "Say it", "options": [TEXT]}


def option(**changes: object) -> Json:
    return {**SAY, "options": [{**TEXT, **changes}]}


def choices(count: int, **changes: object) -> list[Json]:
    return [{"name": f"{n}", "value": f"{n}", **changes} for n in range(count)]


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ({}, "name"),
        ({**SAY, "name": "Say"}, "name"),
        ({**SAY, "name": "say it"}, "name"),
        ({**SAY, "name": "s" * 33}, "name"),
        ({**SAY, "description": ""}, "description"),
        ({**SAY, "description": "d" * 101}, "description"),
        ({**SAY, "type": 4}, "type"),
        ({**SAY, "options": [{**TEXT, "name": f"t{n}"} for n in range(26)]}, "options"),
        ({**SAY, "options": [TEXT, TEXT]}, "options"),
        ({**SAY, "options": [TEXT, {**TEXT, "name": "more", "required": True}]}, "options"),
        ({**SAY, "options": [TEXT, {"type": 1, "name": "sub", "description": "Sub"}]}, "options"),
        ({**SAY, "default_member_permissions": "many"}, "default_member_permissions"),
        ({**SAY, "contexts": [3]}, "contexts"),
        (option(type=12), "options.0.type"),
        (option(name="Text"), "options.0.name"),
        (option(choices=choices(26)), "options.0.choices"),
        (option(choices=choices(1, value=1)), "options.0.choices.0.value"),
        (option(choices=choices(1, name="n" * 101)), "options.0.choices.0.name"),
        (option(choices=choices(1), autocomplete=True), "options.0.autocomplete"),
        (option(type=5, autocomplete=True), "options.0.autocomplete"),
        (option(max_length=6001), "options.0.max_length"),
        (option(type=5, min_length=1), "options.0.min_length"),
        (option(min_value=1), "options.0.min_value"),
        ({**SAY, "type": 3}, "description"),
        ("say", ""),
    ],
)
def test_what_is_not_a_command_is_refused_where_it_is_wrong(command: object, path: str) -> None:
    with pytest.raises(DiscordError) as refused:
        validate_command(command)
    tree = refused.value.errors
    assert tree is not None
    for step in filter(None, path.split(".")):
        tree = tree[step]
    assert tree["_errors"]
    assert (refused.value.status, refused.value.code) == (400, 50035)


def test_a_command_is_at_most_8000_characters_in_all() -> None:
    wordy = [{**TEXT, "name": f"t{n}", "choices": [{"name": "n" * 100, "value": "v" * 100}] * 2} for n in range(19)]
    assert validate_command({**SAY, "options": wordy})
    with pytest.raises(DiscordError, match="50035"):
        validate_command({**SAY, "options": [*wordy, {**wordy[0], "name": "last"}]})


def test_groups_nest_one_level_and_no_further() -> None:
    sub = {"type": 1, "name": "sub", "description": "Sub", "options": [TEXT]}
    group = {"type": 2, "name": "group", "description": "Group", "options": [sub]}
    assert validate_command({**SAY, "options": [group]})["options"][0]["options"][0]["options"] == [TEXT]
    with pytest.raises(DiscordError):
        validate_command({**SAY, "options": [{**group, "options": [group]}]})
    with pytest.raises(DiscordError):
        validate_command({**SAY, "options": [{**sub, "options": [sub]}]})


async def test_an_overwrite_keeps_ids_of_known_commands_and_counts_new_ones(
    discord_server: DiscordServer, http: aiohttp.ClientSession
) -> None:
    raw = RawClient(discord_server, http)
    await raw.register(SAY)
    before = discord_server.commands.find("say")
    assert before is not None
    await raw.register({**SAY, "description": "Say it again"}, {**SAY, "name": "sing"})
    after = discord_server.commands.find("say")
    assert after is not None
    assert after["id"] == before["id"]
    assert after["version"] != before["version"]
    assert discord_server.commands.creates == 2


async def test_an_unchanged_command_keeps_its_version(
    discord_server: DiscordServer, http: aiohttp.ClientSession
) -> None:
    raw = RawClient(discord_server, http)
    await raw.register(SAY)
    before = discord_server.commands.find("say")
    await raw.register(SAY)
    assert discord_server.commands.find("say") == before


async def test_a_refused_overwrite_changes_nothing(discord_server: DiscordServer, http: aiohttp.ClientSession) -> None:
    raw, path = RawClient(discord_server, http), f"applications/{discord_server.state.application_id}/commands"
    await raw.register(SAY)
    for wrong in ([SAY, SAY], [{**SAY, "name": "Loud"}], {"name": "say"}):
        assert (await raw.call("PUT", path, wrong))[0] == 400
    assert [command["name"] for command in discord_server.commands.list_all()] == ["say"]


async def test_localizations_are_shown_on_request(discord_server: DiscordServer, http: aiohttp.ClientSession) -> None:
    raw, path = RawClient(discord_server, http), f"applications/{discord_server.state.application_id}/commands"
    await raw.register({**SAY, "name_localizations": {"de": "sag"}})
    (_, [plain]), (_, [full]) = await raw.call("GET", path), await raw.call("GET", f"{path}?with_localizations=true")
    assert "name_localizations" not in plain
    assert full["name_localizations"] == {"de": "sag"}


async def test_one_command_is_made_changed_and_removed(
    discord_server: DiscordServer, http: aiohttp.ClientSession
) -> None:
    raw, path = RawClient(discord_server, http), f"applications/{discord_server.state.application_id}/commands"
    status, made = await raw.call("POST", path, SAY)
    again, _ = await raw.call("POST", path, SAY)
    assert (status, again) == (201, 200)
    _, changed = await raw.call("PATCH", f"{path}/{made['id']}", {"default_member_permissions": "16"})
    assert changed["default_member_permissions"] == "16"
    assert await raw.call("DELETE", f"{path}/{made['id']}") == (204, None)
    assert (await raw.call("GET", f"{path}/{made['id']}"))[1]["code"] == 10063
