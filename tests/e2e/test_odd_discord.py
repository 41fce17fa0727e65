"""What Discord may say that the bot didn't expect: events that can't be read, commands of others, late interactions."""

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.discord.entities import Guild
from sandbox.discord.gateway.session import Session
from sandbox.discord.http.applications import ApplicationRoutes
from sandbox.discord.http.endpoints import Request, Response
from sandbox.discord.http.faults import HttpFault
from sandbox.discord.traffic_log import HttpExchange
from sandbox.json_object import Json
from sandbox.sandbox import Sandbox
from tests.support.e2e import DEADLINE_S, OpenSandbox, ask, mention, run_command

THREAD = {
    "id": "1",
    "type": 11,
    "name": "t",
    "owner_id": None,
    "thread_metadata": {"archived": False, "auto_archive_duration": 60, "archive_timestamp": "never"},
}


UNREADABLE: list[tuple[str, Any]] = [
    ("THREAD_CREATE", THREAD),
    ("THREAD_CREATE", {}),
    ("THREAD_UPDATE", None),
    ("CHANNEL_CREATE", {"type": 0, "guild_id": "x"}),
    ("CHANNEL_DELETE", None),
    ("GUILD_CREATE", {}),
    ("GUILD_CREATE", None),
    ("GUILD_UPDATE", []),
    ("GUILD_ROLE_CREATE", {"guild_id": "x"}),
    ("MESSAGE_CREATE", {"id": "7"}),
    ("INTERACTION_CREATE", {"id": "8", "type": 2}),
    ("VOICE_STATE_UPDATE", {"guild_id": "x"}),
]


async def test_events_that_cannot_be_read_are_logged_and_passed_over(sandbox: Sandbox) -> None:
    guild = sandbox.state.guild("Sandbox")
    for name, data in UNREADABLE:
        thread = {"guild_id": str(guild.id), "parent_id": "1"} if data is THREAD else {}
        sandbox.discord.gateway.dispatch(name, data if not thread else {**data, **thread}, guild_id=guild.id)
    assert (await ask(sandbox.user("Ada"), "Are you there?")).text
    lines = [line for line in sandbox.bot_process.log if "unreadable event" in line]
    assert [line.partition("event=")[2].split()[0] for line in lines] == [name for name, _ in UNREADABLE]
    assert not any("Traceback" in line or " ERROR " in line for line in sandbox.bot_process.log)


UNREADABLE_FRAMES = (
    "not JSON",
    "[]",
    '{"op": 0, "t": ["MESSAGE_CREATE"], "s": null, "d": {}}',
    '{"op": 10, "t": null, "s": null, "d": null}',
    '{"op": 0, "t": "TYPING_START", "s": null, "d": {"text": "\\ud800"}}',
)


async def test_frames_that_cannot_be_read_are_logged_and_passed_over(sandbox: Sandbox) -> None:
    connection = sandbox.discord.gateway.sessions[0].connection
    assert connection is not None
    for frame in UNREADABLE_FRAMES:
        connection.queue.put_nowait(frame)
    assert (await ask(sandbox.user("Ada"), "Are you there?")).text
    lines = [line for line in sandbox.bot_process.log if "unreadable frame" in line]
    assert len(lines) == len(UNREADABLE_FRAMES)
    assert all("reconnects=False" in line for line in lines)
    assert sandbox.discord.gateway.resumes == 0
    assert not any("Traceback" in line or " ERROR " in line for line in sandbox.bot_process.log)


async def test_a_connection_whose_compression_breaks_is_resumed(sandbox: Sandbox) -> None:
    connection = sandbox.discord.gateway.sessions[0].connection
    assert connection is not None
    await connection.socket.send_bytes(b"neither zlib nor zstd\x00\x00\xff\xff")
    await sandbox.traffic_log.changed.until(
        lambda: sandbox.discord.gateway.resumes == 1, deadline_s=DEADLINE_S, what="the session again"
    )
    assert (await ask(sandbox.user("Ada"), "Are you there?")).text
    assert not any("Traceback" in line or " ERROR " in line for line in sandbox.bot_process.log)


async def test_a_session_whose_resumption_cannot_be_read_is_started_again(sandbox: Sandbox) -> None:
    gateway = sandbox.discord.gateway
    connection = gateway.sessions[0].connection
    assert connection is not None
    connection.queue.put_nowait('{"op": 0, "t": "RESUMED", "s": null, "d": null}')
    await sandbox.traffic_log.changed.until(lambda: gateway.readies == 2, deadline_s=DEADLINE_S, what="a new session")
    assert (await ask(sandbox.user("Ada"), "Are you there?")).text
    (line,) = [line for line in sandbox.bot_process.log if "Attempting a reconnect" in line]
    assert " WARNING " in line
    assert "error=ConnectionError" in line
    assert not any("Traceback" in line or " ERROR " in line for line in sandbox.bot_process.log)


BROKEN: dict[str, Callable[[dict[str, Any]], None]] = {
    "a thread": lambda guild: guild["threads"].append(THREAD),
    "a channel": lambda guild: guild["channels"].insert(0, {"id": "5"}),
    "a role": lambda guild: guild["roles"].append({"name": "no id"}),
    "a member": lambda guild: guild["members"].append({"user": None}),
    "a voice state": lambda guild: guild["voice_states"].append({"channel_id": None}),
    "no list": lambda guild: guild.update(threads=None, stage_instances="none"),
    "an event": lambda guild: guild.update(guild_scheduled_events=[{}]),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_a_server_with_something_unreadable_in_it_is_served(what: str) -> None:
    sandbox = Sandbox()
    whole = sandbox.discord.gateway._guild

    def broken(guild: Guild, session: Session) -> Json:
        data = whole(guild, session)
        BROKEN[what](data)
        return data

    sandbox.discord.gateway._guild = broken  # type: ignore[method-assign]
    async with sandbox:
        ada = sandbox.user("Ada")
        assert (await ask(ada, "Are you there?")).text
        assert (await mention(ada, "And now?")).messages
        lines = [line for line in sandbox.bot_process.log if "unreadable event" in line]
        assert lines
        assert all("event=GUILD_CREATE" in line for line in lines)
        assert not any(" ERROR " in line for line in sandbox.bot_process.log)


async def test_the_entry_point_of_an_activity_is_kept_and_is_no_reason_to_write() -> None:
    sandbox = Sandbox()
    entry = sandbox.discord.commands.add_entry_point("launch")
    async with sandbox:
        assert (await ask(sandbox.user("Ada"), "Are you there?")).text
        assert sandbox.discord.commands.commands[int(entry["id"])] == entry
        writes = len(sandbox.traffic_log.find(_writes_commands))
        await sandbox.bot_process.stop()
        await sandbox.start()
        assert len(sandbox.traffic_log.find(_writes_commands)) == writes == 1


@pytest.mark.parametrize(
    "trouble", [HttpFault(400, code=50035), HttpFault(403, code=20001), HttpFault(400, code=30034)]
)
async def test_commands_that_discord_refuses_do_not_keep_the_bot_from_serving(
    open_sandbox: OpenSandbox, trouble: HttpFault
) -> None:
    sandbox = await open_sandbox()
    await sandbox.bot_process.stop()
    for command in sandbox.discord.commands.commands.values():
        command["description"] = "Of yesterday."
    sandbox.discord.http_faults.next("PUT", "/commands", trouble)
    await sandbox.start()
    assert (await ask(sandbox.user("Ada"), "Are you there?")).text
    (line,) = [line for line in sandbox.bot_process.log if " ERROR " in line]
    assert f"PUT /api/v10/applications/:id/commands: status {trouble.status}, code {trouble.code}" in line
    assert str(sandbox.state.application_id) not in line
    assert "/ask" in (await run_command(sandbox.user("Ada"), "/help")).text


async def test_an_error_of_discord_at_the_start_is_reported_as_such(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox()
    await sandbox.bot_process.stop()
    sandbox.discord.http_faults.next("GET", "/gateway/bot", HttpFault(403, code=40333))
    await sandbox.start()
    told = next(line for line in sandbox.bot_process.log if "retry_in_s" in line)
    assert "Discord answered with an error: GET /api/v10/gateway/bot: status 403, code 40333" in told
    assert not any("can't be reached" in line for line in sandbox.bot_process.log)


@pytest.mark.parametrize("odd", [{"shards": 0}, {"shards": "many"}, {"url": None}, {"session_start_limit": {}}])
async def test_an_odd_answer_about_the_gateway_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, odd: dict[str, Any]
) -> None:
    sound = ApplicationRoutes.get_gateway_bot
    answers = [odd, {}]

    async def get_gateway_bot(routes: ApplicationRoutes, call: Request) -> Response:
        answer = await sound(routes, call)
        return Response(200, {**answer.body, **(answers.pop(0) if answers else {})})

    monkeypatch.setattr(ApplicationRoutes, "get_gateway_bot", get_gateway_bot)
    async with Sandbox() as sandbox:
        (line,) = [line for line in sandbox.bot_process.log if "retry_in_s" in line]
        assert "Discord can't be reached" in line
        assert not any("Traceback" in line or " ERROR " in line for line in sandbox.bot_process.log)


async def test_an_interaction_that_is_over_is_passed_over_with_one_line(sandbox: Sandbox) -> None:
    ada = sandbox.user("Ada")
    await ask(ada, "What is this?")
    seen = await sandbox.traffic_log.until_event(
        lambda event: event.name == "INTERACTION_CREATE", deadline_s=DEADLINE_S
    )
    assert seen.data is not None
    late = str(int(seen.data["id"]) - (10_000 << 22))
    sandbox.discord.gateway.dispatch(
        "INTERACTION_CREATE", {**seen.data, "id": late}, guild_id=int(seen.data["guild_id"])
    )
    await ask(ada, "And this?")
    (line,) = [line for line in sandbox.bot_process.log if late in line]
    assert " INFO " in line
    assert not any(late in exchange.path for exchange in sandbox.traffic_log.find(lambda _: True))
    assert not any(" ERROR " in line for line in sandbox.bot_process.log)


def _writes_commands(exchange: HttpExchange) -> bool:
    return exchange.method == "PUT" and exchange.path.endswith("/commands")
