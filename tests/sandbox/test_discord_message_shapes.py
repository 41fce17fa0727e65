"""The limits of embeds and components, and the description that answers are held against."""

from dataclasses import replace

import aiohttp
import pytest

from sandbox.client.user import Person
from sandbox.discord.errors import Refused
from sandbox.discord.server import DiscordStandIn
from sandbox.discord.validation.components import check_components
from sandbox.discord.validation.embeds import check_embeds
from tests.sandbox.raw_client import BareBot
from tests.trips.openapi import OpenApi


def button(number: int = 0, **changes: object) -> dict:
    return {"type": 2, "style": 1, "label": "Press", "custom_id": f"id:{number}", **changes}


def row(*inside: dict) -> dict:
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
def test_an_embed_over_a_limit_is_refused(embeds: list[dict]):
    with pytest.raises(Refused, match="50035"):
        check_embeds(embeds)


def test_embeds_of_6000_characters_in_all_are_taken():
    check_embeds([{"description": "d" * 4096}, {"description": "d" * 1904}])


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
def test_components_over_a_limit_are_refused(components: list[dict]):
    with pytest.raises(Refused, match="50035"):
        check_components(components, v2=False)


def test_a_full_set_of_buttons_is_taken():
    check_components([row(*(button(5 * line + n) for n in range(5))) for line in range(5)], v2=False)


async def test_a_message_of_components_has_no_text_beside_them(
    standin: DiscordStandIn, http: aiohttp.ClientSession, ada: Person
):
    bare, path = BareBot(standin, http), f"channels/{ada.place().id}/messages"
    body = {"flags": 1 << 15, "components": [{"type": 10, "content": "shown"}]}
    assert (await bare.call("POST", path, body))[0] == 200
    status, answer = await bare.call("POST", path, {**body, "content": "beside"})
    assert (status, answer["code"]) == (400, 50035)


async def test_the_description_finds_what_is_wrong(standin: DiscordStandIn, http: aiohttp.ClientSession, ada: Person):
    described = OpenApi.beside_the_checkout()
    await BareBot(standin, http).call("POST", f"channels/{ada.place().id}/messages", {"content": "x"})
    right = standin.journal.requests[-1]
    wrong = [
        replace(right, response={**right.response, "id": 5}),
        replace(right, request={"content": 5}),
        replace(right, template="/nowhere"),
        replace(right, status=204, response=None),
    ]
    assert described.complaints([right]) == []
    assert [len(described.complaints([each])) for each in wrong] == [1, 1, 1, 1]


async def test_the_journal_is_waited_on_and_looked_up(standin: DiscordStandIn, http: aiohttp.ClientSession):
    bare = BareBot(standin, http)
    await bare.call("GET", "users/@me")
    place = standin.journal.number
    await bare.call("GET", "gateway")
    found = await standin.journal.until(lambda entry: entry.status == 200, after=place, deadline_s=1)
    assert found.template == "/gateway"
    assert [entry.template for entry in standin.journal.find(lambda entry: not entry.writes)] == [
        "/users/@me",
        "/gateway",
    ]
    with pytest.raises(TimeoutError):
        await standin.journal.until(lambda entry: entry.writes, deadline_s=0.01)
