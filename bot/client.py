"""The discord.py client: its intents and caches, its cogs, its start and its shutdown."""

import asyncio
import logging
import sys
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
import discord
import yarl
from discord.ext import commands

from bot.api.transport import build_connector
from bot.clock import Clock
from bot.discord_ui.button_router import ButtonRouter
from bot.discord_ui.command_sync import sync_if_changed
from bot.discord_ui.event_gate import EventGate
from bot.discord_ui.gateway import guard_frames, guard_parsers, is_connected, limit_commands, set_api_base, set_gateway
from bot.discord_ui.interaction_requests import InteractionRequests
from bot.discord_ui.interruption_notices import InterruptionNotices
from bot.discord_ui.modals import Modals
from bot.discord_ui.rate_limit_buckets import RateLimitBuckets
from bot.discord_ui.replies import Replies
from bot.discord_ui.tree import CommandTree
from bot.discord_ui.voice.audience import Audience
from bot.discord_ui.voice.manager import VoiceManager
from bot.discord_ui.voice.speech_commands import SpeechCommands
from bot.services import Services
from bot.tasks import background_loop

logger = logging.getLogger(__name__)

DISCORD_API_BASE: Final = "https://discord.com/api/v10"
PULSE_INTERVAL_S: Final = 10
CONNECTION_CHECK_INTERVAL_S: Final = 1
COGS: Final = (
    "cogs.ask",
    "cogs.mentions",
    "cogs.answer_buttons",
    "cogs.context_menus",
    "cogs.say",
    "cogs.draw",
    "cogs.models",
    "cogs.usage",
    "cogs.channel",
    "cogs.server",
    "cogs.persona",
    "cogs.history",
    "cogs.privacy",
    "cogs.quota",
    "cogs.pronounce",
    "cogs.voice",
    "cogs.auto_read",
    "cogs.help",
    "cogs.deletions",
    "cogs.guild_join",
)


class Bot(commands.AutoShardedBot):
    """The bot on Discord: no privileged intent unless the operator sets one, next to nothing cached."""

    tree: CommandTree

    def __init__(
        self,
        services: Services,
        *,
        clock: Clock,
        api_base_url: str = DISCORD_API_BASE,
        grace_s: float = 0,
        hurry: asyncio.Event | None = None,
        message_content: bool = False,
        voice_alone_s: float = 60,
        voice_idle_s: float = 300,
    ) -> None:
        self.services = services
        self.rate_limit_buckets = RateLimitBuckets(clock)
        self.command_ids: dict[str, int] = {}
        self.reached_gateway = False
        """Whether everything before the first gateway session was done."""
        self._clock = clock
        self._api_base_url = api_base_url
        self._grace_s = grace_s
        self._background = AsyncExitStack()
        self._last_pulse: tuple[bool, float] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._shards_in_session: set[int] = set()
        super().__init__(
            command_prefix=(),
            help_command=None,
            tree_cls=CommandTree,
            intents=_build_intents(message_content=message_content),
            max_messages=None,
            # Only members in voice channels, to tell people from bots there.
            member_cache_flags=discord.MemberCacheFlags(voice=True, joined=False),
            chunk_guilds_at_startup=False,
            # Model output pings no one: merged into every create, edit and follow-up.
            allowed_mentions=discord.AllowedMentions.none(),
            connector=build_connector(),
            http_trace=self._build_http_trace(),
        )
        self._build_ui(hurry or asyncio.Event())
        self._build_voice(alone_s=voice_alone_s, idle_s=voice_idle_s)
        limit_commands(clock)
        guard_frames()
        guard_parsers(self)

    def _build_ui(self, hurry: asyncio.Event) -> None:
        """Build what the cogs answer with; voice apart."""
        services = self.services
        self.tree.guard(services.access)
        self.event_gate = EventGate(services.inflight, self._clock, hurry)
        self.buttons = ButtonRouter(self.tree)
        self.modals = Modals(self.tree)
        self.replies = Replies(self, self.rate_limit_buckets, self._clock)
        self.requests = InteractionRequests(services.request_runner, services.answering, self.rate_limit_buckets)

    def _build_voice(self, *, alone_s: float, idle_s: float) -> None:
        """Build what the cogs speak with."""
        services = self.services
        self.voice_manager = VoiceManager(self, services.audio_workers, self._clock, alone_s=alone_s, idle_s=idle_s)
        self.audience = Audience(self._clock)
        self.speech_commands = SpeechCommands(
            services.text_to_speech,
            services.settings,
            self.requests,
            services.voice_settings,
            self.voice_manager,
            self.audience,
        )

    async def login(self, token: str) -> None:
        """Log in at the REST base of the settings."""
        set_api_base(self._api_base_url)
        await super().login(token)

    async def setup_hook(self) -> None:
        """Load the cogs, synchronise the commands and start the background work."""
        pulse = background_loop(
            self._write_pulse_if_due, CONNECTION_CHECK_INTERVAL_S, self._clock, name="health pulse", at_once=True
        )
        await self._background.enter_async_context(pulse)
        await self._await_session_starts()
        for cog in COGS:
            await self.load_extension(cog)
        if self.application_id is None:
            raise RuntimeError("discord.py sets the application's id at login")
        self.command_ids = await sync_if_changed(self.tree, self.http, self.application_id)
        recovery = self.services.recovery.running(InterruptionNotices(self, self._clock))
        await self._background.enter_async_context(recovery)
        self.reached_gateway = True

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Wait, before a new session, until Discord allows one more today."""
        await super().before_identify_hook(shard_id, initial=initial)
        if shard_id in self.shards:
            await self._await_session_starts()

    async def on_message(self, message: discord.Message, /) -> None:
        """Confirm the bot's own messages; cogs are given what people write.

        It is the event `user_message`, and `voice_guild_message` in a guild where the bot is in a voice channel.
        """
        if self.user is not None and message.author.id == self.user.id:
            if message.nonce is not None:
                self.replies.sent_messages.confirm(message)
        elif not (message.author.bot or message.webhook_id is not None):
            self.dispatch("user_message", message)
            if message.guild is not None and message.guild.id in self.voice_manager.sessions:
                self.dispatch("voice_guild_message", message)

    async def on_interaction(self, interaction: discord.Interaction, /) -> None:
        """Route pressed buttons and submitted modals; discord.py itself handles commands and autocomplete."""
        match interaction.type:
            case discord.InteractionType.component:
                await self.buttons.dispatch(interaction)
            case discord.InteractionType.modal_submit:
                await self.modals.dispatch(interaction)

    async def on_ready(self) -> None:
        """Log that the bot is ready; comes again after a lost session."""
        self.services.process_lock.write_pulse(connected=self._is_connected())
        logger.info("ready", extra={"guilds": len(self.guilds), "shards": self.shard_count})

    async def on_shard_connect(self, shard_id: int, /) -> None:
        """Record that a shard has a new session."""
        self._shards_in_session.add(shard_id)

    async def on_shard_resumed(self, shard_id: int, /) -> None:
        """Record that a shard has resumed its session."""
        self._shards_in_session.add(shard_id)

    async def on_shard_disconnect(self, shard_id: int, /) -> None:
        """Record that a shard has lost its connection or its session."""
        self._shards_in_session.discard(shard_id)
        self.services.process_lock.write_pulse(connected=False)

    async def on_error(self, event_method: str, /, *_args: Any, **_kwargs: Any) -> None:  # Any: discord.py's
        """Log that an event's handler failed."""
        error = sys.exception()
        facts = {} if error is None else {"error": type(error).__name__}
        logger.error("event handler failed", extra={"event": event_method, **facts}, exc_info=error)

    async def close(self) -> None:
        """Refuse new commands, let running ones finish within the grace period, then disconnect.

        discord.py calls this too, when an event broke the connection: unfinished answers are marked then as well.
        """
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="closing")
        await asyncio.wait({self._closing})
        self._closing.result()

    async def _close(self) -> None:
        self.services.concurrency.close()
        await self.event_gate.close(self._grace_s)
        await self.replies.close()
        await self.voice_manager.close()
        await self._background.aclose()
        await super().close()

    async def _await_session_starts(self) -> None:
        """Load the gateway's URL and the number of shards; wait while Discord allows no new session.

        One session too many in a day, and Discord resets the token.
        """
        while True:
            try:
                shards, url, limits = await self.http.get_bot_gateway()
                remaining, reset_after_s = int(limits["remaining"]), limits["reset_after"] / 1000
                gateway, readable = yarl.URL(url), int(shards) > 0
            except (KeyError, TypeError, ValueError):
                # A proxy's page, say. Handled as no response: discord.py asks again later.
                raise discord.GatewayNotFound from None
            if not readable:
                raise discord.GatewayNotFound
            if not self.reached_gateway:
                self.shard_count = int(shards)
            set_gateway(gateway)
            needed = 1 if self.reached_gateway else self.shard_count
            if remaining >= needed:
                return
            wait_s = reset_after_s + 1
            logger.warning(
                "no session starts left today, waiting for Discord to allow more",
                extra={"needed": needed, "left": remaining, "wait_s": round(wait_s)},
            )
            await self._clock.sleep(wait_s)

    async def _write_pulse_if_due(self) -> None:
        """Write for `python -m bot health` whether Discord is connected: regularly, and at once when that changes."""
        connected, now, last = self._is_connected(), self._clock.monotonic(), self._last_pulse
        if last is None or last[0] != connected or now - last[1] >= PULSE_INTERVAL_S:
            self.services.process_lock.write_pulse(connected=connected)
            self._last_pulse = connected, now

    def _is_connected(self) -> bool:
        shards = self.shards
        return self.is_ready() and set(shards) == self._shards_in_session and all(map(is_connected, shards.values()))

    def _build_http_trace(self) -> aiohttp.TraceConfig:
        api_origin = yarl.URL(self._api_base_url).origin()

        async def on_request_end(
            _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
        ) -> None:
            self.rate_limit_buckets.update(params.method, params.url.path, params.response.headers)
            if params.url.origin() == api_origin:  # a file host's Date may be when it was stored
                self._clock.learn_discord_time(params.response.headers.get("Date"))

        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(on_request_end)
        return trace


def _build_intents(*, message_content: bool) -> discord.Intents:
    intents = discord.Intents.none()
    intents.guilds = True
    # Content comes with mentions of the bot, with direct messages and with replies that ping it (FACTS: intents and
    # content); deletions come for all messages.
    intents.guild_messages = True
    intents.dm_messages = True
    intents.message_content = message_content
    intents.voice_states = True
    return intents
