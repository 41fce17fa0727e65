"""The voice server itself, spoken to as discord.py never would."""

from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest

from sandbox.client.user import ClientUser
from sandbox.discord.gateway.gateway import GUILD_VOICE_STATES, GUILDS
from sandbox.discord.server import DiscordServer
from tests.sandbox.raw_client import RawClient
from tests.sandbox.raw_voice_client import RawVoiceClient, VoiceDoor
from tests.sandbox.voice_bot import get_call


@pytest.fixture
async def door(discord_server: DiscordServer, http: aiohttp.ClientSession, ada: ClientUser) -> AsyncIterator[VoiceDoor]:
    async with RawClient(discord_server, http).gateway(intents=GUILDS | GUILD_VOICE_STATES) as events:
        door = VoiceDoor(http, events)
        await door.enter(ada.channel("Lounge"))
        yield door


def wrong_mode(voice: RawVoiceClient) -> Awaitable[None]:
    return voice.send(1, protocol="udp", data={"address": "127.0.0.1", "port": 1, "mode": "xsalsa20_poly1305"})


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda voice: voice.send_text("hello"), 4002),
        (lambda voice: voice.send(99), 4001),
        (lambda voice: voice.send(5, speaking=1, ssrc=1), 4003),
        (lambda voice: voice.identify(token="another"), 4006),
        (lambda voice: voice.identify(session_id="another"), 4006),
        (lambda voice: voice.identify(server_id="1"), 4006),
        (lambda voice: voice.identify(user_id="1"), 4004),
        (lambda voice: voice.send(7, **voice.identity), 4006),
    ],
    ids=["no JSON", "opcode", "nobody yet", "token", "session", "server", "user", "nothing to resume"],
)
async def test_what_a_good_client_does_not_say_closes_the_connection(
    door: VoiceDoor, act: Callable[[RawVoiceClient], Awaitable[None]], code: int
) -> None:
    async with door.open() as voice:
        await act(voice)
        assert await voice.close_code() == code


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda voice: voice.identify(), 4005),
        (wrong_mode, 4016),
        (lambda voice: voice.send(1, protocol="webrtc", data={}), 4012),
    ],
    ids=["twice", "mode", "protocol"],
)
async def test_so_does_the_wrong_thing_after_it_was_let_in(
    door: VoiceDoor, act: Callable[[RawVoiceClient], Awaitable[None]], code: int
) -> None:
    async with door.open() as voice:
        await voice.identify()
        await act(voice)
        assert await voice.close_code() == code


async def test_a_heartbeat_is_answered_with_what_it_held(door: VoiceDoor) -> None:
    async with door.open() as voice:
        await voice.send(3, t=1234, seq_ack=-1)
        assert (await voice.next(6))["d"] == {"t": 1234}


async def test_one_who_comes_back_is_told_what_was_missed(
    door: VoiceDoor, discord_server: DiscordServer, ada: ClientUser, ben: ClientUser
) -> None:
    ada.joins_voice("Lounge")
    async with door.open() as voice:
        await voice.connect()
        ben.joins_voice("Lounge")
        seen = (await voice.next(11))["seq"]
        discord_server.voice.end(4015)
        assert await voice.close_code() == 4015
    ada.leaves_voice()
    async with door.open() as voice:
        await voice.send(7, **voice.identity, seq_ack=seen)
        assert (await voice.next(13))["d"] == {"user_id": str(ada.id)}
        await voice.next(9)
        assert get_call(discord_server.voice).connected


async def test_sound_that_nobody_should_send_is_noted(
    door: VoiceDoor, discord_server: DiscordServer, ada: ClientUser
) -> None:
    ada.joins_voice("Lounge")
    async with door.open() as voice:
        await voice.connect()
        voice.sound(10, 0)
        await discord_server.voice.until(lambda heard: len(heard) == 1)
        await voice.send(5, speaking=1, delay=0, ssrc=voice.ssrc)
        await discord_server.voice.changed.until(
            lambda: get_call(discord_server.voice).announced, deadline_s=5, what="speaking"
        )
        voice.sound(11, 960)
        voice.sound(13, 3 * 960)
        voice.sound(14, 3 * 960)
        voice.sound(15, 4 * 960, key=bytes(32))
        voice.datagram(b"a sign of life")
        heard = await discord_server.voice.until(lambda heard: len(heard) == 5)
    why = [packet.unheard for packet in heard.packets]
    assert why == ["speaking not announced", None, None, None, "wrong key"]
    assert heard.lost == 1
    assert heard.flaws == (
        "call 1: packet 13 came after 11",
        "call 1: timestamp 2880 came after 2880",
        "call 1: packet 15 is encrypted with another key",
    )
