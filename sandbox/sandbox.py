"""The whole sandbox: a Discord, an AI service, and the unchanged bot as a child process between them."""

import asyncio
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from sandbox.bot_process import BotProcess
from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.discord.entities import Guild
from sandbox.discord.interaction_serializers import interaction_event
from sandbox.discord.interactions import DEADLINE_S
from sandbox.discord.messages import Message
from sandbox.discord.rate_limits import RateLimit
from sandbox.discord.server import DiscordServer
from sandbox.discord.state import DiscordState
from sandbox.discord.traffic_log import TrafficLog
from sandbox.discord.validation.message import DEFAULT_FILE_LIMIT
from sandbox.discord.voice.service import VoiceService
from sandbox.discord.voice.tls import write_trusted_authorities
from sandbox.openai.server import OpenAiServer

READY_TIMEOUT_S = 60.0  # for a cold start on a busy machine; two seconds are usual


class Sandbox:
    """Runs the bot with everything it needs; once entered, the bot is ready.

    Args:
        env: settings for the bot, beside or in place of the sandbox's own.
        token: the bot token; by default one of the right shape.
        rates: rate limits that differ from `rate_limits.RATE_LIMITS`, by name.
        deadline_s: how long a first response to an interaction may take.
        attachment_size_limit: the largest file in bytes.
        shards: how many shards Discord recommends.
        privileged_intents: the privileged intent bits enabled for the application.
        state: Discord's state, already populated; by default the usual guild and users.
        openai: an AI service that is not entered yet.
        voice: whether there is a voice server; by default where its packages are installed.
        dave: whether audio is encrypted end to end, as Discord requires; otherwise everyone in the channel hears all.
        directory: where the bot runs; by default a temporary directory.
    """

    def __init__(  # noqa: PLR0913 - what a test may want otherwise, each by its name
        self,
        env: Mapping[str, str] | None = None,
        *,
        token: str | None = None,
        rates: Mapping[str, RateLimit] | None = None,
        deadline_s: float = DEADLINE_S,
        attachment_size_limit: int = DEFAULT_FILE_LIMIT,
        shards: int = 1,
        privileged_intents: int = 0,
        state: DiscordState | None = None,
        openai: OpenAiServer | None = None,
        voice: bool | None = None,
        dave: bool = False,
        directory: Path | None = None,
    ) -> None:
        if state is None:
            state = DiscordState(attachment_size_limit=attachment_size_limit, privileged_intents=privileged_intents)
            state.populate()
        self.state = state
        self.discord = DiscordServer(
            state, token=token, rates=rates, deadline_s=deadline_s, shards=shards, voice=voice, dave=dave
        )
        self.openai = OpenAiServer() if openai is None else openai
        self._shards = shards
        self._env = dict(env or {})
        self._directory = directory
        self._process: BotProcess | None = None
        self._stack = AsyncExitStack()

    @property
    def traffic_log(self) -> TrafficLog:
        """The requests and gateway events between Discord and the bot."""
        return self.discord.traffic_log

    @property
    def voice(self) -> VoiceService:
        """Voice: recordings, and faults on request."""
        return self.discord.voice

    @property
    def bot_process(self) -> BotProcess:
        """The bot's process.

        Raises:
            RuntimeError: the sandbox is not entered.
        """
        if self._process is None:
            raise RuntimeError("the sandbox is not running")
        return self._process

    @property
    def running(self) -> bool:
        """Whether the bot process runs."""
        return self._process is not None and self._process.running

    def user(self, name: str, *, guild: Guild | str = "Sandbox") -> ClientUser:
        """Return the user of that name as a client in that guild.

        Raises:
            KeyError: there is no such user or guild.
        """
        home = self.state.guild(guild) if isinstance(guild, str) else guild
        return ClientUser(self.discord, self.state.user(name), home)

    def join(self, name: str, *, guild: Guild | str = "Sandbox") -> ClientUser:
        """Return a new user who joined a guild as an ordinary member."""
        home = self.state.guild(guild) if isinstance(guild, str) else guild
        user = self.state.add_user(name)
        self.state.add_member(home, user)
        return ClientUser(self.discord, user, home)

    async def __aenter__(self) -> Self:
        try:
            await self._stack.enter_async_context(self.discord)
            await self._stack.enter_async_context(self.openai)
            directory = self._directory
            if directory is None:
                # Files that the bot writes while it ends must not make the clean-up fail.
                temporary = tempfile.TemporaryDirectory(prefix="sandbox-", ignore_cleanup_errors=True)
                directory = Path(self._stack.enter_context(temporary))
            settings = self._settings()
            if self.discord.has_voice:
                # Not in the bot's directory, which tests compare.
                apart = tempfile.TemporaryDirectory(prefix="sandbox-trust-")
                trust = Path(self._stack.enter_context(apart)) / "authorities.pem"
                write_trusted_authorities(trust)
                settings.setdefault("SSL_CERT_FILE", str(trust))
            self._process = BotProcess(directory, settings)
            self._stack.push_async_callback(self._end)
            await self.start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    async def start(self, process: BotProcess | None = None) -> None:
        """Start the bot and wait until it is ready: every shard is identified, its commands are registered.

        Args:
            process: a process other than the first bot's.

        Raises:
            BotProcessDied: it ended instead; the text has what it wrote.
            TimeoutError: it did neither in time.
        """
        process = process or self.bot_process
        readies = self.discord.gateway.readies
        await process.start()
        ended = asyncio.create_task(process.wait())
        ready = asyncio.create_task(self._ready(readies, process))
        try:
            await asyncio.wait({ended, ready}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                raise process.exit_error()
            await ready
        finally:
            ended.cancel()
            ready.cancel()

    async def restart(self, env: Mapping[str, str] | None = None) -> int:
        """Stop the bot, start it again in the same directory, and return the exit status of the first process.

        Args:
            env: settings that change.

        Raises:
            BotProcessDied, TimeoutError: as from `start`.
        """
        status = await self.bot_process.stop()
        self.bot_process.settings.update(env or {})
        await self.start()
        return status

    async def start_second(self, env: Mapping[str, str] | None = None) -> BotProcess:
        """Return a second bot process with the same account and database, started; every event goes to both.

        It is stopped with the sandbox at the latest.

        Args:
            env: settings that differ.

        Raises:
            BotProcessDied, TimeoutError: as from `start`.
        """
        process = BotProcess(self.bot_process.directory, {**self.bot_process.settings, **(env or {})})
        self._stack.push_async_callback(_stop, process)
        await self.start(process)
        return process

    def deliver_again(self, used: InteractionResult | Message) -> None:
        """Deliver an interaction or a message a second time, as Discord does occasionally."""
        if isinstance(used, Message):
            self.discord.gateway.dispatch_message("MESSAGE_CREATE", used)
            return
        self.discord.gateway.dispatch(
            "INTERACTION_CREATE",
            interaction_event(used.interaction, self.state),
            guild_id=used.interaction.channel.guild_id,
        )

    async def _ready(self, readies: int, process: BotProcess) -> None:
        gateway, commands = self.discord.gateway, self.discord.commands
        try:
            await self.traffic_log.changed.until(
                lambda: gateway.readies >= readies + self._shards and bool(commands.commands),
                deadline_s=READY_TIMEOUT_S,
                what="the bot",
            )
        except TimeoutError as late:
            tail = "\n".join(list(process.log)[-60:])
            raise TimeoutError(f"{late}; it wrote:\n{tail}") from None

    async def _end(self) -> None:
        await _stop(self.bot_process)

    def _settings(self) -> dict[str, str]:
        return {
            "DISCORD_TOKEN": self.discord.token,
            "DISCORD_API_BASE_URL": self.discord.base_url,
            "MULTIAPPAI_API_KEY": self.openai.key,
            "MULTIAPPAI_BASE_URL": self.openai.base_url,
            "DATABASE_URL": "sqlite:///data/bot.db",
            **self._env,
        }


async def _stop(process: BotProcess) -> None:
    if process.started:
        await process.stop()  # also for one that has ended by itself: reads the rest of its output
