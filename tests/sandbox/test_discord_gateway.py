"""The gateway's rules, tried with bare websockets."""

import aiohttp
import pytest

from sandbox.client.user import ClientUser
from sandbox.discord.server import DiscordServer
from sandbox.discord.state import DiscordState
from sandbox.json_object import Json

GUILDS, GUILD_MESSAGES = 1, 1 << 9


async def open_socket(http: aiohttp.ClientSession, discord_server: DiscordServer) -> aiohttp.ClientWebSocketResponse:
    socket = await http.ws_connect(discord_server.gateway.url)
    hello = await socket.receive_json(timeout=5)
    assert hello["op"] == 10
    return socket


async def identify(socket: aiohttp.ClientWebSocketResponse, token: str, **more: object) -> None:
    await socket.send_json({"op": 2, "d": {"token": token, "intents": GUILDS, "properties": {}, **more}})


async def until(socket: aiohttp.ClientWebSocketResponse, name: str) -> Json:
    while True:
        frame: Json = await socket.receive_json(timeout=5)
        if frame["t"] == name:
            return frame


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"op": 2, "d": {"token": "wrong", "intents": 1}}, 4004),
        ({"op": 2, "d": {"token": None, "intents": 1 << 15}}, 4014),
        ({"op": 2, "d": {"token": None, "intents": None}}, 4013),
        ({"op": 2, "d": {"token": None, "intents": 1, "shard": [2, 2]}}, 4010),
        ({"op": 3, "d": {}}, 4003),
        ({"op": 99, "d": {}}, 4001),
        ({"d": {}}, 4002),
        ({"op": 1, "d": "x" * 5000}, 4002),
    ],
    ids=["token", "privileged", "intents", "shard", "before identify", "opcode", "no opcode", "too large"],
)
async def test_a_wrong_frame_closes_with_its_code(
    http: aiohttp.ClientSession, discord_server: DiscordServer, frame: Json, code: int
) -> None:
    socket = await open_socket(http, discord_server)
    if isinstance(frame.get("d"), dict) and frame["d"].get("token", "") is None:
        frame = {**frame, "d": {**frame["d"], "token": discord_server.token}}
    await socket.send_json(frame)
    ended = await socket.receive(timeout=5)
    assert ended.type is aiohttp.WSMsgType.CLOSE
    assert socket.close_code == code


async def test_a_heartbeat_is_acknowledged(http: aiohttp.ClientSession, discord_server: DiscordServer) -> None:
    socket = await open_socket(http, discord_server)
    await socket.send_json({"op": 1, "d": None})
    assert (await socket.receive_json(timeout=5))["op"] == 11


async def test_ready_names_the_shard_and_its_guilds_come_after(
    http: aiohttp.ClientSession, discord_server: DiscordServer
) -> None:
    socket = await open_socket(http, discord_server)
    await identify(socket, discord_server.token, shard=[0, 1])
    ready = (await until(socket, "READY"))["d"]
    guild = (await until(socket, "GUILD_CREATE"))["d"]
    assert ready["shard"] == [0, 1]
    assert ready["guilds"] == [{"id": guild["id"], "unavailable": True}]
    assert [channel["type"] for channel in guild["channels"]] == [0, 0, 2, 2, 2, 13]
    assert [member["user"]["id"] for member in guild["members"]] == [str(discord_server.state.bot.id)]


async def test_each_guild_is_served_by_its_own_shard(
    http: aiohttp.ClientSession, discord_server: DiscordServer
) -> None:
    guilds = {guild.id for guild in discord_server.state.guilds.values()}
    guilds |= {discord_server.state.add_guild(f"Guild {n}").id for n in range(6)}
    served = []
    for shard in range(3):
        socket = await open_socket(http, discord_server)
        await identify(socket, discord_server.token, shard=[shard, 3])
        mine = [int(guild["id"]) for guild in (await until(socket, "READY"))["d"]["guilds"]]
        assert all((guild >> 22) % 3 == shard for guild in mine)
        served += mine
    assert sorted(served) == sorted(guilds)


async def test_a_resumed_session_is_told_what_it_missed(
    http: aiohttp.ClientSession, discord_server: DiscordServer, ada: ClientUser
) -> None:
    socket = await open_socket(http, discord_server)
    await identify(socket, discord_server.token, intents=GUILDS | GUILD_MESSAGES)
    session = (await until(socket, "READY"))["d"]["session_id"]
    seen = (await until(socket, "GUILD_CREATE"))["s"]
    await socket.close(code=4000)
    await ada.says(f"<@{discord_server.state.bot.id}> hello?")
    again = await open_socket(http, discord_server)
    await again.send_json({"op": 6, "d": {"token": discord_server.token, "session_id": session, "seq": seen}})
    missed = await again.receive_json(timeout=5)
    assert (missed["t"], missed["d"]["content"]) == ("MESSAGE_CREATE", f"<@{discord_server.state.bot.id}> hello?")
    assert (await again.receive_json(timeout=5))["t"] == "RESUMED"


async def test_an_unknown_session_has_to_identify(http: aiohttp.ClientSession, discord_server: DiscordServer) -> None:
    socket = await open_socket(http, discord_server)
    await socket.send_json({"op": 6, "d": {"token": discord_server.token, "session_id": "none", "seq": 1}})
    assert await socket.receive_json(timeout=5) == {"op": 9, "t": None, "s": None, "d": False}
    await identify(socket, discord_server.token)
    assert (await until(socket, "READY"))["d"]["session_id"]


async def test_a_goodbye_ends_the_session(http: aiohttp.ClientSession, discord_server: DiscordServer) -> None:
    socket = await open_socket(http, discord_server)
    await identify(socket, discord_server.token)
    await until(socket, "READY")
    await socket.close(code=1000)
    await discord_server.traffic_log.changed.until(
        lambda: not discord_server.gateway.sessions, deadline_s=5, what="the end"
    )
    assert discord_server.gateway.sessions == []


async def test_an_answers_reply_carries_no_content_and_a_mention_does(
    http: aiohttp.ClientSession, discord_server: DiscordServer, ada: ClientUser
) -> None:
    bot = discord_server.state.bot
    said = await ada.says(f"<@{bot.id}> hello")
    socket = await open_socket(http, discord_server)
    await identify(socket, discord_server.token, intents=GUILDS | GUILD_MESSAGES)
    await until(socket, "GUILD_CREATE")
    await ada.says("and more", reply_to=said)
    reply = (await until(socket, "MESSAGE_CREATE"))["d"]
    assert (reply["content"], reply["referenced_message"]["content"]) == ("", f"<@{bot.id}> hello")
    assert reply["member"]["roles"] == []


async def test_the_token_is_kept_out_of_the_journal(http: aiohttp.ClientSession, discord_server: DiscordServer) -> None:
    socket = await open_socket(http, discord_server)
    await identify(socket, discord_server.token)
    await until(socket, "READY")
    assert discord_server.token not in repr(list(discord_server.traffic_log.events))


def test_a_world_can_be_filled_with_more_people_and_places() -> None:
    state = DiscordState()
    guild = state.populate()
    crowd = [state.add_member(guild, state.add_user(f"Member {n}")) for n in range(30)]
    hall = state.add_channel(guild, "#hall")
    assert len(guild.members) == 36
    assert guild.channel("hall") is hall
    assert all(state.permissions(member.user, hall) for member in crowd)
