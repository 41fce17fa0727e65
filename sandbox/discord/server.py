"""Discord: HTTP API, gateway and attachments on one loopback port, with one state."""

import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from email.utils import formatdate
from typing import Self

from aiohttp import web

from sandbox.discord.command_registry import CommandRegistry
from sandbox.discord.deletions import Deletions
from sandbox.discord.gateway.gateway import Gateway
from sandbox.discord.http.applications import ApplicationRoutes
from sandbox.discord.http.channels import ChannelRoutes
from sandbox.discord.http.interactions import InteractionRoutes
from sandbox.discord.http.request_handler import MOST_BYTES, PREFIX, RequestHandler
from sandbox.discord.http.users import UserRoutes
from sandbox.discord.http.voice import VoiceRoutes
from sandbox.discord.http.webhooks import WebhookRoutes
from sandbox.discord.interactions import DEADLINE_S, InteractionRegistry
from sandbox.discord.message_service import MessageService
from sandbox.discord.rate_limits import RATE_LIMITS, Monotonic, RateLimit, RateLimiter
from sandbox.discord.state import DiscordState
from sandbox.discord.traffic_log import TrafficLog
from sandbox.discord.voice.service import VoiceService, find_missing_packages

LOOPBACK = "127.0.0.1"


class DiscordServer:
    """Serves a state to a bot; an async context manager that listens while it is entered.

    Args:
        state: the guilds, users and messages.
        token: the bot token that it accepts; the state's by default.
        rates: rate limits that differ from `rate_limits.RATE_LIMITS`, by name.
        deadline_s: how long a first response to an interaction may take.
        shards: how many shards `GET /gateway/bot` recommends.
        voice: whether there is a voice server; by default where its packages are installed.
        dave: whether audio is encrypted end to end, as Discord requires; otherwise everyone in the channel hears all.
        monotonic: the clock of the rate limits, in seconds.
    """

    def __init__(
        self,
        state: DiscordState,
        *,
        token: str | None = None,
        rates: Mapping[str, RateLimit] | None = None,
        deadline_s: float = DEADLINE_S,
        shards: int = 1,
        voice: bool | None = None,
        dave: bool = False,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self.state = state
        self.token = token or state.token
        self.traffic_log = TrafficLog()
        self.commands = CommandRegistry(state.application_id, state.snowflakes)
        self.gateway = Gateway(state, self.traffic_log, self.token)
        self.interactions = InteractionRegistry(state.application_id, state.now, deadline_s=deadline_s)
        self.rate_limiter = RateLimiter(monotonic, state.now, {**RATE_LIMITS, **(rates or {})})
        self.message_service = MessageService(state, self.gateway.dispatch_message)
        self.has_voice = not find_missing_packages() if voice is None else voice
        self.voice = VoiceService(state, self.gateway, dave=dave)
        self.deletions = Deletions(state, self.gateway, self.message_service, self.voice.states)
        routes = (
            ApplicationRoutes(state, self.commands, self.gateway, shards=shards),
            UserRoutes(state, self.deletions),
            ChannelRoutes(state, self.message_service),
            InteractionRoutes(state, self.interactions, self.message_service),
            WebhookRoutes(state, self.interactions, self.message_service),
            VoiceRoutes(state, self.voice.states),
        )
        endpoints = [endpoint for each in routes for endpoint in each.endpoints()]
        self._rest = RequestHandler(self.token, self.rate_limiter, self.traffic_log, endpoints, self._date)
        self.http_faults = self._rest.http_faults
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._port = 0
        self.origin = ""

    @property
    def base_url(self) -> str:
        """The value for `DISCORD_API_BASE_URL`."""
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
        self.origin = self.message_service.origin = f"http://{LOOPBACK}:{port}"
        self.gateway.url = f"ws://{LOOPBACK}:{port}/gateway/"
        if self.has_voice:
            await self.voice.start()

    async def close(self) -> None:
        """Close every connection and stop listening."""
        self.interactions.close()
        await self.voice.close()
        await self.gateway.disconnect_all(code=1001, forget=True)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    @contextlib.asynccontextmanager
    async def offline(self) -> AsyncIterator[None]:
        """Refuse new connections and close open ones inside the context; sessions can be resumed afterwards."""
        if self._site is None or self._runner is None:
            raise RuntimeError("Discord's server does not listen")
        await self._site.stop()
        await self.gateway.disconnect_all(code=1006)
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
        return formatdate(self.state.now() + self.state.clock_ahead_s, usegmt=True)

    async def _attachment(self, request: web.Request) -> web.Response:
        number = request.match_info["attachment_id"]
        found = self.state.attachments.get(int(number)) if number.isdecimal() else None
        if found is None:
            raise web.HTTPNotFound
        return web.Response(body=found.data, content_type=found.media_type)
