"""Who may hear what comes from a channel: only people who may read along there, asked of Discord where need be.

Without the members intent nobody tells the bot of a role that somebody loses, nor who is in a private thread: where
that makes a difference it is asked for, for a bounded number of people, and believed for some seconds.
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
from bot.discord_ui.voice.session import people_in
from bot.errors import UserError
from bot.messages import voice as texts
from bot.speech.voice_queue import ListenersNotAllowed

VIEW: Final = discord.Permissions(view_channel=True)
"""What reading along takes where something is written now."""

READ_BACK: Final = discord.Permissions(view_channel=True, read_message_history=True)
"""What reading a message takes that stands there already."""

FRESH_S: Final = 5.0
"""For how long an answer of Discord's is believed."""

CLOSED_S: Final = 60.0
"""For how long a thread is left alone that the bot was not let into: too many refused requests, and Discord bans it."""

MOST_ASKED: Final = 25
"""About so many listeners Discord is asked at once; with more it counts as not known."""

WITHIN_S: Final = 5.0
"""How long asking may take before it counts as not known."""

SHOWN_WITHIN_S: Final = 1.5
"""The same where somebody waits for a first response, which has to come within three seconds."""

MOST_KNOWN: Final = 1000

log = logging.getLogger(__name__)

K = TypeVar("K")
V = TypeVar("V")

GuildPlace = discord.abc.GuildChannel | discord.Thread


class NotThere(UserError):
    """Whoever had something said is in no voice channel any more."""

    message = texts.requester_left()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something to be said comes from, and what it takes to read it there.

    `thread` is for one that discord.py does not keep: a private one without the bot in it, or one that is put away.
    """

    channel_id: int
    needs: discord.Permissions
    thread: discord.Thread | None = None

    def place(self, guild: discord.Guild) -> GuildPlace | None:
        """Return the channel or thread as it is now; None where it is gone."""
        return guild.get_channel_or_thread(self.channel_id) or self.thread


def origin_of(interaction: discord.Interaction, needs: discord.Permissions) -> Origin | None:
    """Tell where something comes from that an interaction is about; None outside of servers."""
    guild, channel = interaction.guild, interaction.channel
    if guild is None or interaction.channel_id is None:
        return None
    kept = guild.get_channel_or_thread(interaction.channel_id) is not None
    thread = channel if isinstance(channel, discord.Thread) and not kept else None
    return Origin(interaction.channel_id, needs, thread)


class Audience:
    """Gives out permits, and knows for a moment what Discord said of members."""

    def __init__(self, clock: Clock) -> None:
        self._members: _Remembered[tuple[int, int], discord.Member | None] = _Remembered(clock, FRESH_S)
        self._in_threads: _Remembered[tuple[int, int], bool] = _Remembered(clock, FRESH_S)
        self._closed: _Remembered[int, bool] = _Remembered(clock, CLOSED_S)

    def permit(self, asker_id: int, where: Callable[[], VocalChannel], origin: Origin | None) -> "ListenersPermit":
        """Give a permit for what a member has said in the voice channel that `where` names at any moment.

        Args:
            origin: where it comes from; None for a member's own words that they want to be heard.
        """
        return ListenersPermit(self, asker_id, where, origin)

    async def hidden(self, interaction: discord.Interaction, channel_ids: Collection[int]) -> set[int]:
        """Tell which of these channels the person who asks may not view, or may not for all that is known."""
        asked = {each for each in channel_ids if each != interaction.channel_id}
        try:
            async with asyncio.timeout(SHOWN_WITHIN_S):
                seen = await asyncio.gather(*(self._sees(interaction, each) for each in asked))
        except TimeoutError:
            return asked
        return {each for each, sees in zip(asked, seen, strict=True) if not sees}

    async def member(self, guild: discord.Guild, user_id: int) -> discord.Member | None:
        """Ask for a member with the roles of this moment; None where nobody can tell, or they have left."""

        async def ask() -> discord.Member | None:
            try:
                return await guild.fetch_member(user_id)
            except Exception as failure:
                # discord.py lets the network's errors through, which have nothing in common. None says "yes".
                log.info("member not asked about", extra={"guild": guild.id, "error": type(failure).__name__})
                return None

        return await self._members.get((guild.id, user_id), ask)

    async def in_thread(self, thread: discord.Thread, user_id: int) -> bool:
        """Ask whether somebody is in a private thread; False where nobody can tell."""
        kept = thread.guild.get_thread(thread.id) is not None
        if not kept or self._closed.known(thread.id):
            return False  # Discord tells the bot of those that it may look into

        async def ask() -> bool:
            try:
                await thread.fetch_member(user_id)
            except discord.NotFound:
                return False
            except discord.Forbidden:
                self._closed.learn(thread.id, True)
                return False
            except Exception as failure:
                # As above.
                log.info("thread not asked about", extra={"channel": thread.id, "error": type(failure).__name__})
                return False
            return True

        return await self._in_threads.get((thread.id, user_id), ask)

    def known_in_thread(self, thread_id: int, user_id: int) -> bool:
        """Whether somebody is known to be in a thread, without asking."""
        return self._in_threads.known((thread_id, user_id)) is True

    async def _sees(self, interaction: discord.Interaction, channel_id: int) -> bool:
        guild, member = interaction.guild, interaction.user
        place = None if guild is None else guild.get_channel_or_thread(channel_id)
        if place is None or not isinstance(member, discord.Member) or not _reads(place, member, VIEW):
            return False
        private = _private(place, member)
        return private is None or await self.in_thread(private, member.id)


class ListenersPermit:
    """Whether all who listen may hear something; see `bot.speech.utterance.Permit`. Made by `Audience.permit`."""

    def __init__(
        self, audience: Audience, asker_id: int, where: Callable[[], VocalChannel], origin: Origin | None
    ) -> None:
        self._audience = audience
        self._asker_id = asker_id
        self._where = where
        self._origin = origin
        self._members: dict[int, discord.Member | None] = {}
        self._in_thread = {asker_id}  # it was there that they asked

    async def check(self) -> None:
        """Do nothing if everybody who listens now may hear it.

        Raises:
            ListenersNotAllowed: somebody may not, or it is not known.
            NotThere: whoever asked is in no voice channel any more.
        """
        if not self._asker_listens():
            raise NotThere
        if self._origin is None or self._is_open(self._origin):
            return
        listeners = people_in(self._where())
        if len(listeners) > MOST_ASKED:
            raise ListenersNotAllowed("too many listeners to ask about")
        try:
            async with asyncio.timeout(WITHIN_S):
                await asyncio.gather(*(self._learn(each, self._origin) for each in listeners))
        except TimeoutError as error:
            raise ListenersNotAllowed("not known in time") from error
        if not self.is_granted():
            raise ListenersNotAllowed

    def is_unconditional(self) -> bool:
        """Whether it may be heard by anybody who could come."""
        return self._asker_listens() and (self._origin is None or self._is_open(self._origin))

    def is_granted(self) -> bool:
        """Whether everybody who listens now is known to be allowed to hear it."""
        origin = self._origin
        if origin is None or self._is_open(origin):
            return True
        place = origin.place(self._guild)
        return place is not None and all(self._may_read(place, each, origin.needs) for each in people_in(self._where()))

    @property
    def _guild(self) -> discord.Guild:
        """The server as it is known now: after a new session of the gateway discord.py makes it anew."""
        return self._where().guild

    def _is_open(self, origin: Origin) -> bool:
        place = origin.place(self._guild)
        return place is not None and _is_open(place, origin.needs)

    def _asker_listens(self) -> bool:
        """Whether whoever asked is in a voice channel still: who was banned, or is in timeout, is in none."""
        guild = self._guild
        return any(self._asker_id in each.voice_states for each in (*guild.voice_channels, *guild.stage_channels))

    async def _learn(self, user_id: int, origin: Origin) -> None:
        member = self._members[user_id] = await self._audience.member(self._guild, user_id)
        place = origin.place(self._guild)
        if member is None or place is None or user_id == self._asker_id:
            return
        private = _private(place, member)
        if private is not None and _reads(place, member, origin.needs):
            self._in_thread.discard(user_id)
            if await self._audience.in_thread(private, user_id):
                self._in_thread.add(user_id)

    def _may_read(self, place: GuildPlace, user_id: int, needs: discord.Permissions) -> bool:
        # Of somebody who has come since, Discord told the roles along with the coming.
        member = self._members[user_id] if user_id in self._members else place.guild.get_member(user_id)
        needs = VIEW if user_id == self._asker_id else needs  # they have seen it
        if member is None or not _reads(place, member, needs):
            return False
        if _private(place, member) is None:
            return True
        return user_id in self._in_thread or self._audience.known_in_thread(place.id, user_id)


class _Remembered(Generic[K, V]):
    """Answers, each for some seconds; the oldest make room."""

    def __init__(self, clock: Clock, for_s: float) -> None:
        self._answers: TTLCache[K, V] = TTLCache(MOST_KNOWN, for_s, clock.monotonic)

    def known(self, key: K) -> V | None:
        return self._answers.get(key)

    async def get(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        try:
            return self._answers[key]
        except KeyError:
            answer = await ask()
        self.learn(key, answer)
        return answer

    def learn(self, key: K, answer: V) -> None:
        self._answers[key] = answer


def _settled_by(place: GuildPlace) -> discord.abc.GuildChannel | None:
    """The channel whose roles and overwrites hold in a place: a thread's parent; None where that is gone."""
    return place.parent if isinstance(place, discord.Thread) else place


def _needed(channel: discord.abc.GuildChannel, needs: discord.Permissions) -> discord.Permissions:
    """What it takes to read in a channel; the text of a voice channel is for those who may come in."""
    if isinstance(channel, discord.VoiceChannel | discord.StageChannel):
        return needs | discord.Permissions(connect=True)
    return needs


def _reads(place: GuildPlace, member: discord.Member, needs: discord.Permissions) -> bool:
    """Whether a member's roles let them read there."""
    channel = _settled_by(place)
    return channel is not None and channel.permissions_for(member) >= _needed(channel, needs)


def _private(place: GuildPlace, member: discord.Member) -> discord.Thread | None:
    """The private thread that a member has to be in to read there; None where they need not."""
    if not isinstance(place, discord.Thread) or not place.is_private():
        return None
    parent = place.parent
    return None if parent is not None and parent.permissions_for(member).manage_threads else place


def _is_open(place: GuildPlace, needs: discord.Permissions) -> bool:
    """Whether everybody in the server may read there, whatever roles they have."""
    channel = _settled_by(place)
    if channel is None or (isinstance(place, discord.Thread) and place.is_private()):
        return False
    needed = _needed(channel, needs)
    if not channel.permissions_for(channel.guild.default_role) >= needed:
        return False
    return not any((overwrite.pair()[1] & needed).value for overwrite in channel.overwrites.values())
