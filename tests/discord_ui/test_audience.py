"""Who may hear what: what is asked of Discord for it, how often, and what happens where there is no answer."""

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


class Discord:
    """A server as discord.py knows it, and Discord's answers about its members."""

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
            raise discord.NotFound(SimpleNamespace(status=404, reason="Not Found"), "Unknown Member")  # type: ignore[arg-type]
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
async def far(state: DiscordState) -> Discord:
    return Discord(state)


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


async def test_what_everybody_may_read_takes_no_asking(state: DiscordState, far: Discord) -> None:
    permit = far.permit(state.guild().channel("general"))
    assert permit.is_unconditional()
    assert permit.is_granted()
    assert await _permitted(permit)
    assert await _permitted(far.permit(state.guild().channel("a thread")))
    assert far.asked == []


async def test_what_somebody_may_not_read_is_asked_about_and_the_answer_believed_for_a_moment(
    state: DiscordState, far: Discord
) -> None:
    clock = FakeClock()
    far.audience = Audience(clock)
    permit = far.permit(state.guild().channel("random"))
    assert not permit.is_unconditional()
    assert await _permitted(permit)
    assert await _permitted(permit)
    assert far.asked == ["member", "member"]
    state.overwrite(state.guild().channel("random"), state.guild().members[state.user(BEN).id], deny=1 << 10)
    await clock.advance(CACHE_S)
    permit = far.permit(state.guild().channel("random"))
    assert not await _permitted(permit)
    assert len(far.asked) == 4
    _listens(state, "Cleo")
    assert not far.permit(state.guild().channel("random")).is_granted()


async def test_a_private_thread_is_for_those_that_are_known_to_be_in_it(state: DiscordState, far: Discord) -> None:
    thread = _secrets(state)
    assert not far.permit(thread).is_granted()  # nobody was asked about
    assert await _permitted(far.permit(thread))
    assert far.asked.count("thread member") == 1  # who asks was there
    _listens(state, "Cleo")
    assert not await _permitted(far.permit(thread))
    del state.guild().voice_states[state.user("Cleo").id]
    _listens(state, "Mo")
    assert await _permitted(far.permit(thread))


@pytest.mark.parametrize("error", [OSError("no route"), asyncio.IncompleteReadError(b"", 1), TimeoutError()])
async def test_without_an_answer_it_is_not_permitted(state: DiscordState, far: Discord, error: Exception) -> None:
    async def fails() -> None:
        raise error

    far.answers = fails
    assert not await _permitted(far.permit(state.guild().channel("random")))
    assert not await _permitted(far.permit(_secrets(state)))


async def test_a_thread_that_may_not_be_looked_into_is_left_alone_for_a_while(
    state: DiscordState, far: Discord
) -> None:
    async def forbidden() -> None:
        if far.asked[-1] == "thread member":
            raise discord.Forbidden(SimpleNamespace(status=403, reason="Forbidden"), "Missing Access")  # type: ignore[arg-type]

    clock = FakeClock()
    far.audience, far.answers = Audience(clock), forbidden
    thread = _secrets(state)
    for _ in range(3):
        assert not await _permitted(far.permit(thread))
        await clock.advance(CACHE_S)
    assert far.asked.count("thread member") == 1
    await clock.advance(FORBIDDEN_S)
    assert not await _permitted(far.permit(thread))
    assert far.asked.count("thread member") == 2


async def test_about_a_crowd_nobody_is_asked(state: DiscordState, far: Discord) -> None:
    for number in range(MAX_LISTENERS_ASKED):
        state.add_member(state.guild(), state.add_user(f"Somebody {number}"))
        _listens(state, f"Somebody {number}")
    assert not await _permitted(far.permit(state.guild().channel("random")))
    assert far.asked == []
    assert await _permitted(far.permit(state.guild().channel("general")))


async def test_what_a_place_takes(state: DiscordState, far: Discord) -> None:
    guild = state.guild()
    ben, general, other = guild.members[state.user(BEN).id], guild.channel("general"), guild.channel("Other lounge")
    state.overwrite(general, ben, deny=Permission.READ_MESSAGE_HISTORY)
    state.overwrite(other, ben, deny=Permission.CONNECT)
    assert await _permitted(far.permit(general))
    assert not await _permitted(far.permit(general, required=READ_BACK))
    assert not await _permitted(far.permit(other))
    state.overwrite(general, guild.members[state.user(ADA).id], deny=Permission.READ_MESSAGE_HISTORY)
    state.overwrite(general, ben)
    assert await _permitted(far.permit(general, required=READ_BACK))  # who asks has seen it
    for gone in (guild.channel("a thread"), general):
        del guild.channels[gone.id]
    assert not await _permitted(far.permit(general))


async def test_who_is_in_no_voice_channel_any_more_is_not_spoken_for(state: DiscordState, far: Discord) -> None:
    permit = far.permit(state.guild().channel("general"), requester="Cleo")
    assert not permit.is_unconditional()
    with pytest.raises(RequesterLeft) as refused:
        await permit.check()
    assert isinstance(refused.value, UserError)
