"""Outputs of answers to test by one contract: in memory, and over real sockets to the sandbox's Discord."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import pytest
from discord import app_commands
from discord.gateway import DiscordWebSocket
from yarl import URL

from bot.discord_ui.discord_output import DiscordOutput, RecordingOutput
from bot.discord_ui.interaction_output import open_output, set_inflight_request
from bot.discord_ui.rate_limit_buckets import RateLimitBuckets
from bot.discord_ui.replies import Replies
from bot.inflight.cancellation import InFlightRequest
from bot.messages.render import render
from bot.store.inflight import InFlightAnswer, Phase
from sandbox.client.components import find_buttons
from sandbox.client.interaction_result import InteractionResult
from sandbox.client.message_result import MessageResult
from sandbox.client.user import ClientUser
from sandbox.discord.http.faults import HttpFault
from sandbox.discord.messages import Message
from sandbox.discord.rate_limits import RateLimit
from sandbox.discord.server import DiscordServer
from sandbox.discord.state import DiscordState
from tests.support.clock import DEADLINE_S, FakeClock, settle
from tests.support.memory_output import MemoryOutput, ResponseLost

ROOMY = RateLimit(40, 60.0)
"""So large that discord.py waits for no reset."""

Row = tuple[Phase, tuple[int, ...], int | None]


class Recorder:
    """Keeps an in-flight row as the registry would; while `writable` is clear, nothing gets into it."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.asked = asyncio.Event()
        self.writable = asyncio.Event()
        self.writable.set()
        self._writing = asyncio.Lock()
        self.inflight = InFlightRequest(InFlightAnswer(1, 2, "", 3, 4), self._record, self._finish)

    @property
    def row(self) -> Row:
        """What another process would find."""
        return self.rows[-1] if self.rows else (Phase.THINKING, (), None)

    def _record(self, request: InFlightRequest) -> asyncio.Task[None]:
        self.asked.set()
        return asyncio.create_task(self._write((request.phase, request.message_ids, request.final_message_count)))

    async def _write(self, row: Row) -> None:
        async with self._writing:
            await self.writable.wait()
            self.rows.append(row)

    def _finish(self, _: int) -> asyncio.Task[None]:
        raise AssertionError("an output finishes no request")


class Stage(ABC):
    """An output, and what its readers see."""

    output: DiscordOutput

    @abstractmethod
    def texts(self) -> list[str]:
        """The messages that are to be read, in their order."""

    @abstractmethod
    def buttons(self, index: int) -> int:
        """How many buttons message `index` has."""

    @abstractmethod
    def files(self, index: int) -> list[bytes]:
        """The files of message `index`."""

    @abstractmethod
    def delete(self, index: int) -> None:
        """Let a moderator delete message `index`."""

    @abstractmethod
    def fail_next(self, *, applied: bool) -> None:
        """Let the next request fail; with `applied` it takes effect, and only its response is lost."""

    @abstractmethod
    def during_next(self, call: Callable[[], None]) -> None:
        """Call `call` while the next request is in flight."""

    @abstractmethod
    async def pass_time(self) -> None:
        """Wait for longer than a request takes."""

    def pings(self) -> bool:
        """Whether a message notified anybody."""
        return False

    def private(self) -> list[bool]:
        """For each message, whether only the one who asked sees it."""
        return []

    def forget_nonces(self) -> None:
        """Let Discord forget the nonces of what was sent, as it does after some minutes."""
        raise NotImplementedError


class MemoryStage(Stage):
    """The output that unit tests use."""

    def __init__(self, clock: FakeClock, recorder: Recorder | None) -> None:
        self._memory = MemoryOutput(clock)
        self.output: DiscordOutput = self._memory
        if recorder is not None:
            self._memory.cancellation = recorder.inflight.cancellation
            self.output = RecordingOutput(self._memory, recorder.inflight)

    def texts(self) -> list[str]:
        shown = [text for index, text in enumerate(self._memory.messages) if index not in self._memory.deleted]
        return shown or [render(each) for each in self._memory.statuses[-1:]]

    def buttons(self, index: int) -> int:
        return len(self._memory.buttons[index].actions)

    def files(self, index: int) -> list[bytes]:
        return [self._memory.files[index][1]] if index in self._memory.files else []

    def delete(self, index: int) -> None:
        self._memory.deleted.add(index)

    def fail_next(self, *, applied: bool) -> None:
        self._memory.next_failures(ResponseLost() if applied else OSError())

    def during_next(self, call: Callable[[], None]) -> None:
        self._memory.during_next = call

    async def pass_time(self) -> None:
        await settle()


class _Client(discord.Client):
    """A client with what outputs need of the bot: the member who asks is put into `asked`."""

    def __init__(self, buckets: RateLimitBuckets) -> None:
        trace = aiohttp.TraceConfig()

        async def on_request_end(
            _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
        ) -> None:
            buckets.update(params.method, params.url.path, params.response.headers)

        trace.on_request_end.append(on_request_end)
        super().__init__(
            intents=discord.Intents(guilds=True, guild_messages=True),
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
            http_trace=trace,
            guild_ready_timeout=0.05,
        )
        self.asked: asyncio.Queue[Any] = asyncio.Queue()  # Any: an interaction or a message
        self.ready = asyncio.Event()
        self.confirm: Callable[[discord.Message], None] = lambda _: None
        self.tree = app_commands.CommandTree(self)

        @self.tree.command(description="Ask")
        async def ask(interaction: discord.Interaction) -> None:
            self.asked.put_nowait(interaction)

    async def setup_hook(self) -> None:
        await self.tree.sync()

    async def on_ready(self) -> None:
        self.ready.set()

    async def on_message(self, message: discord.Message) -> None:
        if message.author == self.user:
            self.confirm(message)
        else:
            self.asked.put_nowait(message)


class DiscordStage(Stage):
    """An output whose requests go to the sandbox."""

    def __init__(
        self, server: DiscordServer, client: _Client, output: DiscordOutput, used: InteractionResult | MessageResult
    ) -> None:
        self.output = output
        self.used = used
        self._server = server
        self.client = client

    @property
    def messages(self) -> list[Message]:
        """The messages that are to be read: for a reply, all that the bot has sent, whatever they reply to."""
        if isinstance(self.used, InteractionResult):
            return self.used.messages
        state, question = self._server.state, self.used.message
        sent = state.messages[question.channel_id]
        return [each for each in sent if each.author is state.bot and each.id > question.id and not each.deleted]

    def texts(self) -> list[str]:
        return [message.content for message in self.messages]

    def buttons(self, index: int) -> int:
        return len(find_buttons(self.messages[index].components))

    def files(self, index: int) -> list[bytes]:
        return [file.data for file in self.messages[index].attachments]

    def delete(self, index: int) -> None:
        ClientUser(self._server, self._server.state.user("Mo"), self._server.state.guild()).deletes(
            self.messages[index]
        )

    def fail_next(self, *, applied: bool) -> None:
        path = "/messages" if isinstance(self.used, MessageResult) else "/webhooks/"
        self._server.http_faults.next("*", path, HttpFault(applied=applied))

    def during_next(self, call: Callable[[], None]) -> None:
        self._server.http_faults.next("*", "/", HttpFault(), when=lambda _: call())

    async def pass_time(self) -> None:
        for _ in range(3):
            await self.client.application_info()

    def pings(self) -> bool:
        return any(message.pinged for message in self.messages)

    def private(self) -> list[bool]:
        return [message.ephemeral for message in self.messages]

    def forget_nonces(self) -> None:
        for message in self.messages:
            message.nonce = None


@asynccontextmanager
async def open_stage(
    kind: str, clock: FakeClock, recorder: Recorder | None, monkeypatch: pytest.MonkeyPatch, *, confirmed: bool = False
) -> AsyncIterator[Stage]:
    """Open an output for a request that was acknowledged: `memory`, `interaction`, `private interaction` or `reply`.

    With `confirmed` the gateway confirms what is sent.
    """
    if kind == "memory":
        yield MemoryStage(clock, recorder)
        return
    state = DiscordState()
    state.populate()
    buckets = RateLimitBuckets(clock)
    rates = dict.fromkeys(("message.create", "message.edit", "interaction.webhook"), ROOMY)
    async with (
        DiscordServer(state, rates=rates, voice=False) as server,
        _connected(server, buckets, monkeypatch) as client,
    ):
        ada = ClientUser(server, state.user("Ada"), state.guild())
        if kind == "reply":
            replies = Replies(client, buckets, clock)
            if confirmed:
                client.confirm = replies.sent_messages.confirm
            asked = await ada.asks("What?")
            message = await asyncio.wait_for(client.asked.get(), DEADLINE_S)
            reply = replies.to(message, message.channel)
            if recorder is not None:
                reply.set_inflight_request(recorder.inflight)
            yield DiscordStage(server, client, reply.output, asked)
            await replies.close()
            return
        used = await ada.command("/ask")
        interaction = await asyncio.wait_for(client.asked.get(), DEADLINE_S)
        if recorder is not None:
            set_inflight_request(interaction, recorder.inflight)
        output = open_output(interaction, buckets, private=kind.startswith("private"))
        await output.acknowledge()
        yield DiscordStage(server, client, output, used)


@asynccontextmanager
async def _connected(
    server: DiscordServer, buckets: RateLimitBuckets, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[_Client]:
    monkeypatch.setattr(discord.http.Route, "BASE", server.base_url)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", URL(server.gateway.url))
    client = _Client(buckets)
    running = asyncio.create_task(client.start(server.token))
    try:
        await asyncio.wait_for(_until_ready(client, running), DEADLINE_S)
        yield client
    finally:
        await client.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _until_ready(client: _Client, running: asyncio.Task[None]) -> None:
    ready = asyncio.ensure_future(client.ready.wait())
    await asyncio.wait({ready, running}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
