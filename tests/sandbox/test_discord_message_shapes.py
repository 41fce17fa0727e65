"""The limits of embeds and components, and the description that answers are held against."""

from dataclasses import replace

import aiohttp
import pytest

from sandbox.client.user import ClientUser
from sandbox.discord.errors import DiscordError
from sandbox.discord.server import DiscordServer
from sandbox.discord.validation.components import validate_components
from sandbox.discord.validation.embeds import validate_embeds
from sandbox.json_object import Json
from tests.sandbox.raw_client import RawClient
from tests.support.openapi import OpenApi


def button(number: int = 0, **changes: object) -> Json:
    return {"type": 2, "style": 1, "label": "Press", "custom_id": f"id:{number}", **changes}


def row(*inside: Json) -> Json:
    return {"type": 1, "components": list(inside)}


@pytest.mark.parametrize(
    "embeds",
    [
        [{"title": "t" * 257}],
        [{"description": "d" * 4097}],
        [{"footer": {"text": "f" * 2049}}],
        [{"fields": [{"name": "n", "value": ""}]}],
        [{"fields": [{"name": "n", "value": "v"}] * 26}],
        [{"description": "d" * 3001}] * 2,
        [{"title": 5}],
    ],
    ids=["title", "description", "footer", "empty field", "fields", "all together", "no text"],
)
def test_an_embed_over_a_limit_is_refused(embeds: list[Json]) -> None:
    with pytest.raises(DiscordError, match="50035"):
        validate_embeds(embeds)


def test_embeds_of_6000_characters_in_all_are_taken() -> None:
    validate_embeds([{"description": "d" * 4096}, {"description": "d" * 1904}])


@pytest.mark.parametrize(
    "components",
    [
        [button()],
        [row(button(n)) for n in range(6)],
        [row(*(button(n) for n in range(6)))],
        [row()],
        [row(button(), button())],
        [row(button(custom_id="i" * 101))],
        [row(button(custom_id=None))],
        [row(button(label="l" * 81))],
    ],
    ids=["no row", "rows", "buttons", "empty row", "same id", "long id", "no id", "label"],
)
def test_components_over_a_limit_are_refused(components: list[Json]) -> None:
    with pytest.raises(DiscordError, match="50035"):
        validate_components(components, v2=False)


def test_a_full_set_of_buttons_is_taken() -> None:
    validate_components([row(*(button(5 * line + n) for n in range(5))) for line in range(5)], v2=False)


async def test_a_message_of_components_has_no_text_beside_them(
    discord_server: DiscordServer, http: aiohttp.ClientSession, ada: ClientUser
) -> None:
    raw, path = RawClient(discord_server, http), f"channels/{ada.channel().id}/messages"
    body = {"flags": 1 << 15, "components": [{"type": 10, "content": "shown"}]}
    assert (await raw.call("POST", path, body))[0] == 200
    status, answer = await raw.call("POST", path, {**body, "content": "beside"})
    assert (status, answer["code"]) == (400, 50035)


async def test_the_description_finds_what_is_wrong(
    discord_server: DiscordServer, http: aiohttp.ClientSession, ada: ClientUser
) -> None:
    described = OpenApi.beside_the_checkout()
    await RawClient(discord_server, http).call("POST", f"channels/{ada.channel().id}/messages", {"content": "x"})
    right = discord_server.traffic_log.requests[-1]
    wrong = [
        replace(right, response={**right.response, "id": 5}),
        replace(right, request={"content": 5}),
        replace(right, template="/nowhere"),
        replace(right, status=204, response=None),
    ]
    assert described.complaints([right]) == []
    assert [len(described.complaints([each])) for each in wrong] == [1, 1, 1, 1]


async def test_the_journal_is_waited_on_and_looked_up(
    discord_server: DiscordServer, http: aiohttp.ClientSession
) -> None:
    raw = RawClient(discord_server, http)
    await raw.call("GET", "users/@me")
    place = discord_server.traffic_log.number
    await raw.call("GET", "gateway")
    found = await discord_server.traffic_log.until(lambda entry: entry.status == 200, after=place, deadline_s=1)
    assert found.template == "/gateway"
    assert [entry.template for entry in discord_server.traffic_log.find(lambda entry: not entry.writes)] == [
        "/users/@me",
        "/gateway",
    ]
    with pytest.raises(TimeoutError):
        await discord_server.traffic_log.until(lambda entry: entry.writes, deadline_s=0.01)
