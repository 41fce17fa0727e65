"""The log holds ids and sizes, never what people wrote, the model said, or a secret; at DEBUG, and when things fail."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from unittest.mock import patch

import pytest

from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.discord.errors import DiscordError
from sandbox.discord.traffic_log import HttpExchange
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import BadImages, Body, Cut, ErrorMidway, Fault, Stall, Status
from sandbox.openai.server import OpenAiServer
from sandbox.sandbox import Sandbox
from tests.support.e2e import (
    ANY_NUMBER,
    DEADLINE_S,
    OpenSandbox,
    all_of,
    ask,
    question_contains,
    run_command,
    wait_until_started,
)

PROMPT, ANSWER, SPOKEN, DRAWN = "marker-in-prompt", "marker-in-answer", "marker-in-speech", "marker-in-drawing"
NAME, NICK, TYPED = "Marker In Name", "Marker In Nick", "marker-in-typing"
TOKEN, KEY = "marker-in-token.Sandbx.of-no-use-anywhere-else", "marker-in-key"
MARKERS = (PROMPT, ANSWER, SPOKEN, DRAWN, NAME, NICK, TYPED, TOKEN, KEY)

DEBUGGED_BY_A_LIBRARY = re.compile(r' DEBUG +(?!bot|cogs)|"level": "DEBUG", "logger": "(?!bot|cogs)')
LONG_ANSWER = f"{ANSWER} " * 700
QUOTING = f"I will not answer “{PROMPT}”, “{SPOKEN}” or “{DRAWN}” for the key {KEY}."
_QUOTING_400 = Status(400, message=QUOTING)
QUOTING_FAULTS: Mapping[CallKind, tuple[Fault, ...]] = {
    CallKind.CHAT: (
        _QUOTING_400,
        Status(400, message=QUOTING, body="string"),
        Status(401, message=QUOTING),
        Cut(),
        ErrorMidway(message=QUOTING),
        ErrorMidway(after=0, message=QUOTING),
        Body(PROMPT.encode()),
    ),
    CallKind.SPEECH: (_QUOTING_400, Body(json.dumps({"text": SPOKEN}).encode())),
    CallKind.IMAGES: (
        _QUOTING_400,
        BadImages("text"),
        BadImages("url", url=f"http://127.0.0.1:9/{DRAWN}?{KEY}"),
        BadImages("url", url=f"ftp://{DRAWN}/{KEY}"),
    ),
}


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_the_log_tells_what_happened_and_nothing_of_what_was_said(
    open_sandbox: OpenSandbox, log_format: str
) -> None:
    sandbox, eve = await _box(open_sandbox, log_format)
    sandbox.openai.script(LONG_ANSWER, every=100, when=question_contains("long"))
    sandbox.openai.script(f"So much for {ANSWER}.", times=None)
    await all_of(
        [
            ask(eve, PROMPT),
            ask(eve, PROMPT, private=True),
            ask(eve, f"{PROMPT}, in long", channel="dm"),
            run_command(eve, "/say", text=SPOKEN),
            run_command(eve, "/draw", prompt=DRAWN, n=2),
            run_command(eve, "/models", search=TYPED),
            ask(eve, PROMPT, model=TYPED),
            run_command(eve, "/usage"),
        ]
    )
    await eve.completes("/ask", {"prompt": PROMPT}, option="model", typed=TYPED)
    await sandbox.bot_process.until_logged("ready")
    await sandbox.restart()
    await ask(eve, f"{PROMPT} again")
    assert await sandbox.bot_process.stop() == 0
    _check_log(sandbox, log_format, said=["ready", "stopped"], requests=6)


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_faults_of_the_api_are_logged_without_its_words(open_sandbox: OpenSandbox, log_format: str) -> None:
    sandbox, eve = await _box(open_sandbox, log_format)
    faults = sandbox.openai.faults
    sandbox.openai.script(f"So much for {ANSWER}, {ANSWER} and {ANSWER}.", times=None)
    for kind, met in QUOTING_FAULTS.items():
        for fault in met:
            faults.next(kind, fault)
    faults.next(CallKind.CHAT, Status(503, message=QUOTING), times=3)
    failed = [await ask(eve, PROMPT) for _ in range(len(QUOTING_FAULTS[CallKind.CHAT]) + 1)]
    failed += [await run_command(eve, "/say", text=SPOKEN) for _ in QUOTING_FAULTS[CallKind.SPEECH]]
    failed += [await run_command(eve, "/draw", prompt=DRAWN) for _ in QUOTING_FAULTS[CallKind.IMAGES]]
    assert all(used.text and "marker-in-key" not in used.text for used in failed)
    assert faults.count_pending() == {}
    assert await sandbox.bot_process.stop() == 0
    _check_log(
        sandbox,
        log_format,
        said=["failed", '"attempt": 2' if log_format == "json" else "attempt=2"],
        requests=len(failed),
    )


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_faults_of_discord_are_logged_without_the_message_or_the_interactions_token(
    open_sandbox: OpenSandbox, log_format: str
) -> None:
    sandbox, eve = await _box(open_sandbox, log_format)
    sandbox.openai.script(f"So much for {ANSWER}, {ANSWER} and {ANSWER}.", times=None)
    sandbox.openai.faults.next(CallKind.CHAT, Stall())
    gone = await wait_until_started(await eve.command("/ask", prompt=PROMPT))
    with _refusing(sandbox):
        sandbox.openai.faults.release()
        said = await eve.command("/say", text=SPOKEN)
        drawn = await eve.command("/draw", prompt=DRAWN)
        for used in (gone, said, drawn):
            await sandbox.traffic_log.until(_refused(used), deadline_s=DEADLINE_S)
        assert await sandbox.bot_process.stop() == 0
    _check_log(sandbox, log_format, said=["failed at Discord", "notice not shown", "message not updated"], requests=3)


async def _box(open_sandbox: OpenSandbox, log_format: str) -> tuple[Sandbox, ClientUser]:
    """A sandbox that logs all it ever would, and somebody whose names are markers too."""
    env = {**ANY_NUMBER, "LOG_LEVEL": "DEBUG", "LOG_FORMAT": log_format, "SHUTDOWN_GRACE_SECONDS": "0"}
    sandbox = await open_sandbox(env, token=TOKEN, openai=OpenAiServer(key=KEY))
    eve = sandbox.join(NAME)
    eve.guild.members[eve.id].nick = NICK
    return sandbox, eve


@contextmanager
def _refusing(sandbox: Sandbox) -> Iterator[None]:
    """Let Discord refuse every edit, with words that quote the message."""

    def refuse(*_: object, **__: object) -> None:
        raise DiscordError(403, 50013, f"Missing Permissions for “{ANSWER}”")

    with patch.object(sandbox.discord.message_service, "edit", refuse):
        yield


def _refused(used: InteractionResult) -> Callable[[HttpExchange], bool]:
    return lambda entry: entry.status == 403 and used.interaction.token in entry.path


def _check_log(sandbox: Sandbox, log_format: str, *, said: list[str], requests: int) -> None:
    """Hold all that the bot wrote against the markers, and see that it wrote at all."""
    lines = [*sandbox.bot_process.log, *sandbox.bot_process.output]
    text = "\n".join(lines)
    tokens = {e.path.split("/")[3] for e in sandbox.traffic_log.find(lambda e: e.path.endswith("/callback"))}
    assert tokens
    assert [marker for marker in [*MARKERS, *tokens] if marker.lower() in text.lower()] == []
    assert "Traceback" not in text
    assert [line for line in lines if DEBUGGED_BY_A_LIBRARY.search(line)] == []
    assert [words for words in said if words not in text] == []
    if log_format == "json":
        events = [json.loads(line) for line in lines]
        assert len([event for event in events if event["event"] == "request"]) == requests
    else:
        assert len([line for line in lines if "request_runner: request " in line]) == requests
