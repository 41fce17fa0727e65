"""Who may hear what: what Discord is asked, how often, and what happens where it does not respond."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import discord
import pytest

from bot.discord_ui.voice.audience import (
    CACHE_S,
    FORBIDDEN_S,
    MAX_LISTENERS_ASKED,
    READ_BACK,
    VIEW,
    Audience,
    ListenersPermit,
    Origin,
    RequesterLeft,
)
from bot.errors import UserError
from bot.speech.voice_queue import ListenersNotAllowed
from sandbox.discord import serializers
from sandbox.discord.entities import Channel, VoiceState
from sandbox.discord.permissions import Permission
from sandbox.discord.state import DiscordState
from sandbox.json_object import Json
from tests.support.clock import FakeClock

ADA, BEN = "Ada", "Ben"


class FakeDiscord:
    """A guild as discord.py caches it, and Discord's answers about its members."""

    def __init__(self, state: DiscordState) -> None:
        self.state = state
        self.asked: list[str] = []
        self.answers: Callable[[], Awaitable[None]] = self._at_once
        self.client = discord.Client(intents=discord.Intents.none())
        self.client._connection.user = discord.ClientUser(
            state=self.client._connection,
            data=serializers.own_user(state.bot),  # type: ignore[arg-type]
        )
        self.client.http.get_member = self._member  # type: ignore[method-assign, assignment]
        self.client.http.get_thread_member = self._thread_member  # type: ignore[method-assign, assignment]
        self.audience = Audience(FakeClock())

    def guild(self) -> discord.Guild:
        data: Any = serializers.guild_create(self.state.guild(), self.state)
        made = discord.Guild(data=data, state=self.client._connection)
        self.client._connection._add_guild(made)
        return made

    def permit(
        self, channel: Channel, *, required: discord.Permissions = VIEW, requester: str = ADA
    ) -> ListenersPermit:
        lounge: Any = self.guild().get_channel(self.state.guild().channel("Lounge").id)
        return self.audience.permit(self.state.user(requester).id, lambda: lounge, Origin(channel.id, required))

    async def _at_once(self) -> None: ...

    async def _member(self, guild_id: int, user_id: int) -> Json:
        self.asked.append("member")
        await self.answers()
        return serializers.member(self.state.guilds[guild_id].members[user_id])

    async def _thread_member(self, channel_id: int, user_id: int) -> Json:
        self.asked.append("thread member")
        await self.answers()
        thread = self.state.channel(channel_id)
        assert thread is not None
        if user_id not in thread.joined:
            raise discord.NotFound(SimpleNamespace(status=404, reason="Not Found"), "Unknown Member")
        return serializers.thread_member(thread, user_id)


@pytest.fixture
def state() -> DiscordState:
    state = DiscordState()
    guild = state.populate()
    for name in (ADA, BEN):
        _listens(state, name)
    state.overwrite(guild.channel("random"), guild.members[state.user("Cleo").id], deny=Permission.VIEW_CHANNEL)
    return state


@pytest.fixture
async def fake(state: DiscordState) -> FakeDiscord:
    return FakeDiscord(state)


def _listens(state: DiscordState, name: str) -> None:
    guild, user = state.guild(), state.user(name)
    guild.voice_states[user.id] = VoiceState(user, guild.channel("Lounge"), "a session")


def _secrets(state: DiscordState) -> Channel:
    thread = state.add_private_thread(state.guild().channel("general"), "secrets", state.user(ADA), state.user(BEN))
    thread.joined[state.bot.id] = state.now()
    return thread


async def _permitted(permit: ListenersPermit) -> bool:
    try:
        await permit.check()
    except ListenersNotAllowed:
        return False
    return True


async def test_what_all_may_read_is_not_asked_about(state: DiscordState, fake: FakeDiscord) -> None:
    permit = fake.permit(state.guild().channel("general"))
    assert permit.is_unconditional()
    assert permit.is_granted()
    assert await _permitted(permit)
    assert await _permitted(fake.permit(state.guild().channel("a thread")))
    assert fake.asked == []


async def test_permissions_are_asked_about_and_cached_for_a_moment(state: DiscordState, fake: FakeDiscord) -> None:
    clock = FakeClock()
    fake.audience = Audience(clock)
    permit = fake.permit(state.guild().channel("random"))
    assert not permit.is_unconditional()
    assert await _permitted(permit)
    assert await _permitted(permit)
    assert fake.asked == ["member", "member"]
    state.overwrite(state.guild().channel("random"), state.guild().members[state.user(BEN).id], deny=1 << 10)
    await clock.advance(CACHE_S)
    permit = fake.permit(state.guild().channel("random"))
    assert not await _permitted(permit)
    assert len(fake.asked) == 4
    _listens(state, "Cleo")
    assert not fake.permit(state.guild().channel("random")).is_granted()


async def test_a_private_thread_is_for_its_known_members(state: DiscordState, fake: FakeDiscord) -> None:
    thread = _secrets(state)
    assert not fake.permit(thread).is_granted()  # not asked about yet
    assert await _permitted(fake.permit(thread))
    assert fake.asked.count("thread member") == 1  # the requester was there
    _listens(state, "Cleo")
    assert not await _permitted(fake.permit(thread))
    del state.guild().voice_states[state.user("Cleo").id]
    _listens(state, "Mo")
    assert await _permitted(fake.permit(thread))


@pytest.mark.parametrize("error", [OSError("no route"), asyncio.IncompleteReadError(b"", 1), TimeoutError()])
async def test_without_an_answer_it_is_not_permitted(state: DiscordState, fake: FakeDiscord, error: Exception) -> None:
    async def fails() -> None:
        raise error

    fake.answers = fails
    assert not await _permitted(fake.permit(state.guild().channel("random")))
    assert not await _permitted(fake.permit(_secrets(state)))


async def test_a_forbidden_thread_is_not_asked_about_for_a_while(state: DiscordState, fake: FakeDiscord) -> None:
    async def forbidden() -> None:
        if fake.asked[-1] == "thread member":
            raise discord.Forbidden(SimpleNamespace(status=403, reason="Forbidden"), "Missing Access")

    clock = FakeClock()
    fake.audience, fake.answers = Audience(clock), forbidden
    thread = _secrets(state)
    for _ in range(3):
        assert not await _permitted(fake.permit(thread))
        await clock.advance(CACHE_S)
    assert fake.asked.count("thread member") == 1
    await clock.advance(FORBIDDEN_S)
    assert not await _permitted(fake.permit(thread))
    assert fake.asked.count("thread member") == 2


async def test_a_crowd_is_not_asked_about(state: DiscordState, fake: FakeDiscord) -> None:
    for number in range(MAX_LISTENERS_ASKED):
        state.add_member(state.guild(), state.add_user(f"Member {number}"))
        _listens(state, f"Member {number}")
    assert not await _permitted(fake.permit(state.guild().channel("random")))
    assert fake.asked == []
    assert await _permitted(fake.permit(state.guild().channel("general")))


async def test_permissions_that_reading_requires(state: DiscordState, fake: FakeDiscord) -> None:
    guild = state.guild()
    ben, general, other = guild.members[state.user(BEN).id], guild.channel("general"), guild.channel("Other lounge")
    state.overwrite(general, ben, deny=Permission.READ_MESSAGE_HISTORY)
    state.overwrite(other, ben, deny=Permission.CONNECT)
    assert await _permitted(fake.permit(general))
    assert not await _permitted(fake.permit(general, required=READ_BACK))
    assert not await _permitted(fake.permit(other))
    state.overwrite(general, guild.members[state.user(ADA).id], deny=Permission.READ_MESSAGE_HISTORY)
    state.overwrite(general, ben)
    assert await _permitted(fake.permit(general, required=READ_BACK))  # the requester has seen it
    for gone in (guild.channel("a thread"), general):
        del guild.channels[gone.id]
    assert not await _permitted(fake.permit(general))


async def test_a_requester_who_left_the_voice_channels_is_refused(state: DiscordState, fake: FakeDiscord) -> None:
    permit = fake.permit(state.guild().channel("general"), requester="Cleo")
    assert not permit.is_unconditional()
    with pytest.raises(RequesterLeft) as refused:
        await permit.check()
    assert isinstance(refused.value, UserError)
