"""`check` in front of a Discord whose answers are odd: each becomes a line, none ends it."""

import pytest
from aiohttp import web

from bot.cli.check_discord import CLOCK, TOKEN, check_discord
from bot.cli.check_result import Status
from bot.settings import load

ME = '{"id": "1", "username": "Sandy"}'


async def lines(body: str, **headers: str) -> dict[str, Status]:
    """How each line ends where Discord answers everything so."""

    async def handle(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type="application/json", headers=headers)

    app = web.Application()
    app.router.add_get("/v10/{rest:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}/v10"
        settings = load(discord_token="MQ.a.b", multiappai_api_key="sk", discord_api_base_url=base)
        return {line.name: line.status for line in await check_discord(settings)}
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    "date", ["Wed, 21 Oct 99999999999999999999 07:28:00 GMT", "Fri, 31 Dec 9999 23:59:59 -2359", "noon", "9" * 5000]
)
async def test_an_absurd_date_tells_no_time(date: str) -> None:
    found = await lines(ME, Date=date)
    assert (found[TOKEN], found[CLOCK]) == (Status.OK, Status.SKIP)


@pytest.mark.parametrize("body", ["[" * 200_000, "[]", "{", '{"id": ' + "9" * 5000 + "}"], ids=lambda body: body[:9])
async def test_what_is_no_answer_is_said_to_be_none(body: str) -> None:
    assert (await lines(body))[TOKEN] is Status.FAIL
