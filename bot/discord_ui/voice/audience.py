"""Who may hear what is written in a channel: only members who may read it there; Discord is asked where needed.

Without the members intent Discord does not tell the bot when a member loses a role, nor who is in a private thread.
Where that makes a difference the bot asks, about a bounded number of members, and caches the responses for seconds.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import discord
from cachetools import TTLCache

from bot.clock import Clock
from bot.discord_ui.voice.connection import VocalChannel
from bot.discord_ui.voice.session import list_listener_ids
from bot.errors import UserError
from bot.messages import voice as texts
from bot.speech.voice_queue import ListenersNotAllowed

VIEW: Final = discord.Permissions(view_channel=True)
"""The permissions to read what is written now."""

READ_BACK: Final = discord.Permissions(view_channel=True, read_message_history=True)
"""The permissions to read a message that is there already."""

CACHE_S: Final = 5.0
"""How long a response of Discord's is cached."""

FORBIDDEN_S: Final = 60.0
"""How long a thread is not asked about after a 403: Discord bans clients with too many refused requests."""

MAX_LISTENERS_ASKED: Final = 25
"""Listeners that Discord is asked about at once; with more, permissions count as unknown."""

CHECK_TIMEOUT_S: Final = 5.0
"""How long asking may take before permissions count as unknown."""

FIRST_RESPONSE_TIMEOUT_S: Final = 1.5
"""The same before the first response to an interaction, which is due within three seconds."""

MAX_CACHED: Final = 1000

logger = logging.getLogger(__name__)

K = TypeVar("K")
V = TypeVar("V")

GuildChannelOrThread = discord.abc.GuildChannel | discord.Thread


class RequesterLeft(UserError):
    """The member who requested the speech is in no voice channel any more."""

    message = texts.requester_left()


@dataclass(frozen=True, slots=True)
class Origin:
    """The channel that a text to be spoken comes from, and the permissions that reading it there requires.

    `thread` is set for one that discord.py does not cache: a private one without the bot in it, or an archived one.
    """

    channel_id: int
    required: discord.Permissions
    thread: discord.Thread | None = None

    def find_channel(self, guild: discord.Guild) -> GuildChannelOrThread | None:
        """Return the channel or thread as it is now; None where it was deleted."""
        return guild.get_channel_or_thread(self.channel_id) or self.thread


def build_origin(interaction: discord.Interaction, required: discord.Permissions) -> Origin | None:
    """Return the origin of what an interaction is about; None outside of guilds."""
    guild, channel = interaction.guild, interaction.channel
    if guild is None or interaction.channel_id is None:
        return None
    is_cached = guild.get_channel_or_thread(interaction.channel_id) is not None
    thread = channel if isinstance(channel, discord.Thread) and not is_cached else None
    return Origin(interaction.channel_id, required, thread)


class Audience:
    """Builds permits, and caches for seconds what Discord says about members."""

    def __init__(self, clock: Clock) -> None:
        self._members: _Cache[tuple[int, int], discord.Member | None] = _Cache(clock, CACHE_S)
        self._thread_members: _Cache[tuple[int, int], bool] = _Cache(clock, CACHE_S)
        self._forbidden_threads: _Cache[int, bool] = _Cache(clock, FORBIDDEN_S)

    def permit(
        self, requester_id: int, get_voice_channel: Callable[[], VocalChannel], origin: Origin | None
    ) -> "ListenersPermit":
        """Return a permit for what a member requests in a voice channel.

        Args:
            get_voice_channel: returns the voice channel at any moment: the bot may be moved.
            origin: where the text comes from; None for a member's own words that all may hear.
        """
        return ListenersPermit(self, requester_id, get_voice_channel, origin)

    async def list_hidden_channels(self, interaction: discord.Interaction, channel_ids: Collection[int]) -> set[int]:
        """Return which of these channels the requester may not view, or may not as far as is known."""
        others = {each for each in channel_ids if each != interaction.channel_id}
        try:
            async with asyncio.timeout(FIRST_RESPONSE_TIMEOUT_S):
                visible = await asyncio.gather(*(self._can_view(interaction, each) for each in others))
        except TimeoutError:
            return others
        return {each for each, can_view in zip(others, visible, strict=True) if not can_view}

    async def fetch_member(self, guild: discord.Guild, user_id: int) -> discord.Member | None:
        """Return a member with their present roles; None where they left, or that is not known."""

        async def fetch() -> discord.Member | None:
            try:
                return await guild.fetch_member(user_id)
            except Exception as error:
                # discord.py lets the network's errors through, which have no base in common. None never permits.
                logger.info("member fetch failed", extra={"guild": guild.id, "error": type(error).__name__})
                return None

        return await self._members.get((guild.id, user_id), fetch)

    async def is_in_thread(self, thread: discord.Thread, user_id: int) -> bool:
        """Return whether a member is in a private thread; False where that is not known."""
        is_cached = thread.guild.get_thread(thread.id) is not None
        if not is_cached or self._forbidden_threads.get_cached(thread.id):
            return False  # Discord tells the bot about the threads that it may view

        async def fetch() -> bool:
            try:
                await thread.fetch_member(user_id)
            except discord.NotFound:
                return False
            except discord.Forbidden:
                self._forbidden_threads.put(thread.id, True)
                return False
            except Exception as error:
                # As above.
                logger.info("thread member fetch failed", extra={"channel": thread.id, "error": type(error).__name__})
                return False
            return True

        return await self._thread_members.get((thread.id, user_id), fetch)

    def is_known_in_thread(self, thread_id: int, user_id: int) -> bool:
        """Return whether a member is known to be in a thread, without asking Discord."""
        return self._thread_members.get_cached((thread_id, user_id)) is True

    async def _can_view(self, interaction: discord.Interaction, channel_id: int) -> bool:
        guild, member = interaction.guild, interaction.user
        channel = None if guild is None else guild.get_channel_or_thread(channel_id)
        if channel is None or not isinstance(member, discord.Member) or not _can_read(channel, member, VIEW):
            return False
        private = _find_required_thread(channel, member)
        return private is None or await self.is_in_thread(private, member.id)


class ListenersPermit:
    """Whether all who listen may hear an utterance; see `bot.speech.utterance.Permit`. Built by `Audience.permit`."""

    def __init__(
        self,
        audience: Audience,
        requester_id: int,
        get_voice_channel: Callable[[], VocalChannel],
        origin: Origin | None,
    ) -> None:
        self._audience = audience
        self._requester_id = requester_id
        self._get_voice_channel = get_voice_channel
        self._origin = origin
        self._members: dict[int, discord.Member | None] = {}
        self._in_thread_ids = {requester_id}  # it was there that they asked

    async def check(self) -> None:
        """Check that all who listen now may hear it.

        Raises:
            ListenersNotAllowed: a listener may not, or that is not known.
            RequesterLeft: the requester is in no voice channel any more.
        """
        if not self._is_requester_listening():
            raise RequesterLeft
        if self._origin is None or self._is_public(self._origin):
            return
        listener_ids = list_listener_ids(self._get_voice_channel())
        if len(listener_ids) > MAX_LISTENERS_ASKED:
            raise ListenersNotAllowed("too many listeners to ask about")
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await asyncio.gather(*(self._load_member(each, self._origin) for each in listener_ids))
        except TimeoutError as error:
            raise ListenersNotAllowed("not known in time") from error
        if not self.is_granted():
            raise ListenersNotAllowed

    def is_unconditional(self) -> bool:
        """Return whether all who could ever listen may hear it."""
        return self._is_requester_listening() and (self._origin is None or self._is_public(self._origin))

    def is_granted(self) -> bool:
        """Return whether all who listen now are known to be allowed to hear it."""
        origin = self._origin
        if origin is None or self._is_public(origin):
            return True
        channel = origin.find_channel(self._guild)
        if channel is None:
            return False
        listener_ids = list_listener_ids(self._get_voice_channel())
        return all(self._may_hear(channel, each, origin.required) for each in listener_ids)

    @property
    def _guild(self) -> discord.Guild:
        """The guild as it is cached now: discord.py replaces it after a new gateway session."""
        return self._get_voice_channel().guild

    def _is_public(self, origin: Origin) -> bool:
        channel = origin.find_channel(self._guild)
        return channel is not None and _is_public(channel, origin.required)

    def _is_requester_listening(self) -> bool:
        """Return whether the requester is in a voice channel: members who are banned or in timeout are in none."""
        guild = self._guild
        return any(self._requester_id in each.voice_states for each in (*guild.voice_channels, *guild.stage_channels))

    async def _load_member(self, user_id: int, origin: Origin) -> None:
        member = self._members[user_id] = await self._audience.fetch_member(self._guild, user_id)
        channel = origin.find_channel(self._guild)
        if member is None or channel is None or user_id == self._requester_id:
            return
        private = _find_required_thread(channel, member)
        if private is not None and _can_read(channel, member, origin.required):
            self._in_thread_ids.discard(user_id)
            if await self._audience.is_in_thread(private, user_id):
                self._in_thread_ids.add(user_id)

    def _may_hear(self, channel: GuildChannelOrThread, user_id: int, required: discord.Permissions) -> bool:
        # The voice state of a listener who joined since the check came with their roles.
        member = self._members[user_id] if user_id in self._members else channel.guild.get_member(user_id)
        required = VIEW if user_id == self._requester_id else required  # they have seen it
        if member is None or not _can_read(channel, member, required):
            return False
        if _find_required_thread(channel, member) is None:
            return True
        return user_id in self._in_thread_ids or self._audience.is_known_in_thread(channel.id, user_id)


class _Cache(Generic[K, V]):
    """Responses, each kept for some seconds; the oldest are evicted first."""

    def __init__(self, clock: Clock, ttl_s: float) -> None:
        self._values: TTLCache[K, V] = TTLCache(MAX_CACHED, ttl_s, clock.monotonic)

    def get_cached(self, key: K) -> V | None:
        return self._values.get(key)

    async def get(self, key: K, fetch: Callable[[], Awaitable[V]]) -> V:
        try:
            return self._values[key]
        except KeyError:
            value = await fetch()
        self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        self._values[key] = value


def _find_permission_channel(channel: GuildChannelOrThread) -> discord.abc.GuildChannel | None:
    """Return the channel whose permissions apply: of a thread its parent, None where that was deleted."""
    return channel.parent if isinstance(channel, discord.Thread) else channel


def _add_connect(channel: discord.abc.GuildChannel, required: discord.Permissions) -> discord.Permissions:
    """Return the permissions that reading in `channel` requires; the text of a voice channel requires Connect too."""
    if isinstance(channel, discord.VoiceChannel | discord.StageChannel):
        return required | discord.Permissions(connect=True)
    return required


def _can_read(channel: GuildChannelOrThread, member: discord.Member, required: discord.Permissions) -> bool:
    """Return whether a member's permissions let them read in a channel."""
    parent = _find_permission_channel(channel)
    return parent is not None and parent.permissions_for(member) >= _add_connect(parent, required)


def _find_required_thread(channel: GuildChannelOrThread, member: discord.Member) -> discord.Thread | None:
    """Return the private thread that a member has to be in to read there; None where they need not be in one."""
    if not isinstance(channel, discord.Thread) or not channel.is_private():
        return None
    parent = channel.parent
    return None if parent is not None and parent.permissions_for(member).manage_threads else channel


def _is_public(channel: GuildChannelOrThread, required: discord.Permissions) -> bool:
    """Return whether all members may read in a channel, whatever roles they have."""
    parent = _find_permission_channel(channel)
    if parent is None or (isinstance(channel, discord.Thread) and channel.is_private()):
        return False
    required = _add_connect(parent, required)
    if not parent.permissions_for(parent.guild.default_role) >= required:
        return False
    return not any((overwrite.pair()[1] & required).value for overwrite in parent.overwrites.values())
