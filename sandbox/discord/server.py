"""The stand-in for Discord: REST, gateway and attachments on one loopback port, around one world."""

import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from email.utils import formatdate
from typing import Self

from aiohttp import web

from sandbox.discord.command_registry import CommandBook
from sandbox.discord.deletions import Removals
from sandbox.discord.gateway.gateway import Gateway
from sandbox.discord.http.applications import ApplicationRoutes
from sandbox.discord.http.channels import ChannelRoutes
from sandbox.discord.http.interactions import InteractionRoutes
from sandbox.discord.http.request_handler import MOST_BYTES, PREFIX, Rest
from sandbox.discord.http.users import UserRoutes
from sandbox.discord.http.voice import VoiceRoutes
from sandbox.discord.http.webhooks import WebhookRoutes
from sandbox.discord.interactions import DEADLINE_S, InteractionDesk
from sandbox.discord.message_service import Postbox
from sandbox.discord.rate_limits import RATES, Buckets, Monotonic, Rate
from sandbox.discord.state import World
from sandbox.discord.traffic_log import Journal
from sandbox.discord.voice.service import VoiceSide, lacking

LOOPBACK = "127.0.0.1"


class DiscordStandIn:
    """Serves a world to a bot; an async context manager that listens while it is entered.

    Args:
        world: who and what is there; an empty one is populated by its maker.
        token: the bot token it accepts; the world's own when none is named.
        rates: rates that differ from `buckets.RATES`, by name.
        deadline_s: how long a first response to an interaction may take.
        shards: how many shards `GET /gateway/bot` recommends.
        voice: whether there is a voice server; by default where the packages for it are installed.
        dave: whether sound is encrypted end to end, as Discord asks for; without it everyone in the channel hears all.
        monotonic: seconds that the rate limits are counted by.
    """

    def __init__(
        self,
        world: World,
        *,
        token: str | None = None,
        rates: Mapping[str, Rate] | None = None,
        deadline_s: float = DEADLINE_S,
        shards: int = 1,
        voice: bool | None = None,
        dave: bool = False,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self.world = world
        self.token = token or world.token
        self.journal = Journal()
        self.commands = CommandBook(world.application_id, world.snowflakes)
        self.gateway = Gateway(world, self.journal, self.token)
        self.desk = InteractionDesk(world.application_id, world.now, deadline_s=deadline_s)
        self.buckets = Buckets(monotonic, world.now, {**RATES, **(rates or {})})
        self.postbox = Postbox(world, self.gateway.announce)
        self.has_voice = not lacking() if voice is None else voice
        self.voice = VoiceSide(world, self.gateway, dave=dave)
        self.removals = Removals(world, self.gateway, self.postbox, self.voice.presence)
        routes = (
            ApplicationRoutes(world, self.commands, self.gateway, shards=shards),
            UserRoutes(world, self.removals),
            ChannelRoutes(world, self.postbox),
            InteractionRoutes(world, self.desk, self.postbox),
            WebhookRoutes(world, self.desk, self.postbox),
            VoiceRoutes(world, self.voice.presence),
        )
        endpoints = [endpoint for each in routes for endpoint in each.endpoints()]
        self._rest = Rest(self.token, self.buckets, self.journal, endpoints, self._date)
        self.troubles = self._rest.troubles
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._port = 0
        self.origin = ""

    @property
    def base_url(self) -> str:
        """What `DISCORD_API_BASE_URL` has to be."""
        return self.origin + PREFIX

    async def start(self) -> None:
        """Listen on a free port of the loopback interface."""
        app = web.Application(client_max_size=MOST_BYTES)
        self._rest.mount(app)
        app.router.add_get("/gateway/", self.gateway.handle)
        app.router.add_get("/gateway", self.gateway.handle)
        app.router.add_get("/attachments/{channel_id}/{attachment_id}/{filename}", self._attachment)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await self._listen()
        port = self._port
        self.origin = self.postbox.origin = f"http://{LOOPBACK}:{port}"
        self.gateway.url = f"ws://{LOOPBACK}:{port}/gateway/"
        if self.has_voice:
            await self.voice.start()

    async def close(self) -> None:
        """Cut every connection and stop listening."""
        self.desk.close()
        await self.voice.close()
        await self.gateway.drop(code=1001, forget=True)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    @contextlib.asynccontextmanager
    async def unplugged(self) -> AsyncIterator[None]:
        """Refuse every connection for a while, and drop those that are open; sessions may come back afterwards."""
        if self._site is None or self._runner is None:
            raise RuntimeError("the stand-in does not listen")
        await self._site.stop()
        await self.gateway.drop(code=1006)
        if self._runner.server is not None:
            for connection in list(self._runner.server.connections):
                connection.force_close()
        try:
            yield
        finally:
            await self._listen()

    async def _listen(self) -> None:
        assert self._runner is not None, "started before"
        self._site = web.TCPSite(self._runner, LOOPBACK, self._port)
        await self._site.start()
        self._port = self._runner.addresses[0][1]

    def _date(self) -> str:
        return formatdate(self.world.now() + self.world.clock_ahead_s, usegmt=True)

    async def _attachment(self, request: web.Request) -> web.Response:
        number = request.match_info["attachment_id"]
        found = self.world.attachments.get(int(number)) if number.isdecimal() else None
        if found is None:
            raise web.HTTPNotFound
        return web.Response(body=found.data, content_type=found.media_type)
