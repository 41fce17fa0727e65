"""A bot made of bare requests, for what discord.py would never send."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.discord.entities import Channel, Guild
from sandbox.discord.interactions import Interaction
from sandbox.discord.server import DiscordServer
from sandbox.json_object import Json


class Completing:
    """A completion under way: enter it for its interaction; `result` holds the choices seen once it is left."""

    def __init__(self, person: ClientUser, name: str, option: str, discord_server: DiscordServer) -> None:
        self.result: list[Json] = []
        self._discord = discord_server
        self._typing = person.completes(name, option=option)

    async def __aenter__(self) -> Interaction:
        self._task = asyncio.create_task(self._typing)
        await asyncio.sleep(0)  # lets it begin; it waits for choices then
        return self._discord.interactions.latest

    async def __aexit__(self, *exc_info: object) -> None:
        self.result = await self._task


class Events:
    """What a bare gateway connection hears."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def next(self, name: str) -> Json:
        """The next event of that name; others are skipped."""
        while True:
            frame = await self.anything()
            if frame["t"] == name:
                event: Json = frame["d"]
                return event

    async def anything(self) -> Json:
        """The next frame, whatever it is."""
        frame: Json = await self._socket.receive_json(timeout=5)
        return frame

    async def enter_voice(self, channel: Channel) -> None:
        """Wish to be in a voice channel."""
        assert channel.guild_id is not None
        await self._wish(channel.guild_id, str(channel.id))

    async def leave_voice(self, guild: Guild) -> None:
        """Wish to be in none."""
        await self._wish(guild.id, None)

    async def _wish(self, guild_id: int, channel_id: str | None) -> None:
        wish = {"guild_id": str(guild_id), "channel_id": channel_id, "self_mute": False, "self_deaf": True}
        await self._socket.send_json({"op": 4, "d": wish})


class RawClient:
    """Sends what it is told to, and gives back status and JSON."""

    def __init__(self, discord_server: DiscordServer, http: aiohttp.ClientSession) -> None:
        self._discord = discord_server
        self._http = http

    async def call(self, method: str, path: str, body: object = None, **options: Any) -> tuple[int, Any]:
        async with self._http.request(method, path, json=body, **options) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def register(self, *commands: Json) -> None:
        status, answer = await self.call(
            "PUT", f"applications/{self._discord.state.application_id}/commands", list(commands)
        )
        assert status == 200, answer

    async def respond(self, used: InteractionResult, kind: int, *, query: str = "", **data: object) -> tuple[int, Any]:
        return await self.answer(used.interaction, kind, query=query, **data)

    async def answer(self, interaction: Interaction, kind: int, *, query: str = "", **data: object) -> tuple[int, Any]:
        path = f"interactions/{interaction.id}/{interaction.token}/callback{query}"
        return await self.call("POST", path, {"type": kind, "data": data})

    async def hook(
        self, method: str, used: InteractionResult, path: str = "", *, files: list[bytes] | None = None, **body: object
    ) -> tuple[int, Any]:
        where = f"webhooks/{self._discord.state.application_id}/{used.interaction.token}{path}"
        if files is None:
            return await self.call(method, where, body or None)
        form = aiohttp.FormData()
        form.add_field("payload_json", json.dumps(body))
        for place, data in enumerate(files):
            form.add_field(f"files[{place}]", data, filename=f"{place}.txt")
        async with self._http.request(method, where, data=form) as answer:
            return answer.status, await answer.json()

    def while_completing(self, person: ClientUser, name: str, *, option: str) -> Completing:
        return Completing(person, name, option, self._discord)

    @asynccontextmanager
    async def gateway(self, *, intents: int = 1) -> AsyncIterator[Events]:
        async with self._http.ws_connect(self._discord.gateway.url) as socket:
            assert (await socket.receive_json(timeout=5))["op"] == 10
            identity = {"token": self._discord.token, "intents": intents, "properties": {}, "shard": [0, 1]}
            await socket.send_json({"op": 2, "d": identity})
            events = Events(socket)
            await events.next("READY")
            yield events
