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
from tests.support.trip_box import ANY_NUMBER, DEADLINE_S, OpenBox, all_of, ask, begun, is_about, use

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
async def test_the_log_tells_what_happened_and_nothing_of_what_was_said(open_box: OpenBox, log_format: str) -> None:
    box, eve = await _box(open_box, log_format)
    box.openai.script(LONG_ANSWER, every=100, when=is_about("long"))
    box.openai.script(f"So much for {ANSWER}.", times=None)
    await all_of(
        [
            ask(eve, PROMPT),
            ask(eve, PROMPT, private=True),
            ask(eve, f"{PROMPT}, in long", channel="dm"),
            use(eve, "/say", text=SPOKEN),
            use(eve, "/draw", prompt=DRAWN, n=2),
            use(eve, "/models", search=TYPED),
            ask(eve, PROMPT, model=TYPED),
            use(eve, "/usage"),
        ]
    )
    await eve.completes("/ask", {"prompt": PROMPT}, option="model", typed=TYPED)
    await box.bot_process.until_logged("ready")
    await box.restart()
    await ask(eve, f"{PROMPT} again")
    assert await box.bot_process.stop() == 0
    _check_log(box, log_format, said=["ready", "stopped"], trips=6)


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_faults_of_the_api_are_logged_without_its_words(open_box: OpenBox, log_format: str) -> None:
    box, eve = await _box(open_box, log_format)
    faults = box.openai.faults
    box.openai.script(f"So much for {ANSWER}, {ANSWER} and {ANSWER}.", times=None)
    for kind, met in QUOTING_FAULTS.items():
        for fault in met:
            faults.next(kind, fault)
    faults.next(CallKind.CHAT, Status(503, message=QUOTING), times=3)
    failed = [await ask(eve, PROMPT) for _ in range(len(QUOTING_FAULTS[CallKind.CHAT]) + 1)]
    failed += [await use(eve, "/say", text=SPOKEN) for _ in QUOTING_FAULTS[CallKind.SPEECH]]
    failed += [await use(eve, "/draw", prompt=DRAWN) for _ in QUOTING_FAULTS[CallKind.IMAGES]]
    assert all(used.text and "marker-in-key" not in used.text for used in failed)
    assert faults.count_pending() == {}
    assert await box.bot_process.stop() == 0
    _check_log(box, log_format, said=["failed", "try 2 of 3"], trips=len(failed))


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_faults_of_discord_are_logged_without_the_message_or_the_interactions_token(
    open_box: OpenBox, log_format: str
) -> None:
    box, eve = await _box(open_box, log_format)
    box.openai.script(f"So much for {ANSWER}, {ANSWER} and {ANSWER}.", times=None)
    box.openai.faults.next(CallKind.CHAT, Stall())
    gone = await begun(await eve.command("/ask", prompt=PROMPT))
    with _refusing(box):
        box.openai.faults.release()
        said = await eve.command("/say", text=SPOKEN)
        drawn = await eve.command("/draw", prompt=DRAWN)
        for used in (gone, said, drawn):
            await box.traffic_log.until(_refused(used), deadline_s=DEADLINE_S)
        assert await box.bot_process.stop() == 0
    _check_log(box, log_format, said=["failed at Discord", "notice not shown", "was not updated"], trips=3)


async def _box(open_box: OpenBox, log_format: str) -> tuple[Sandbox, ClientUser]:
    """A sandbox that logs all it ever would, and somebody whose names are markers too."""
    env = {**ANY_NUMBER, "LOG_LEVEL": "DEBUG", "LOG_FORMAT": log_format, "SHUTDOWN_GRACE_SECONDS": "0"}
    box = await open_box(env, token=TOKEN, openai=OpenAiServer(key=KEY))
    eve = box.join(NAME)
    eve.guild.members[eve.id].nick = NICK
    return box, eve


@contextmanager
def _refusing(box: Sandbox) -> Iterator[None]:
    """Let Discord refuse every edit, with words that quote the message."""

    def refuse(*_: object, **__: object) -> None:
        raise DiscordError(403, 50013, f"Missing Permissions for “{ANSWER}”")

    with patch.object(box.discord.message_service, "edit", refuse):
        yield


def _refused(used: InteractionResult) -> Callable[[HttpExchange], bool]:
    return lambda entry: entry.status == 403 and used.interaction.token in entry.path


def _check_log(box: Sandbox, log_format: str, *, said: list[str], trips: int) -> None:
    """Hold all that the bot wrote against the markers, and see that it wrote at all."""
    lines = [*box.bot_process.log, *box.bot_process.output]
    text = "\n".join(lines)
    tokens = {e.path.split("/")[3] for e in box.traffic_log.find(lambda e: e.path.endswith("/callback"))}
    assert tokens
    assert [marker for marker in [*MARKERS, *tokens] if marker.lower() in text.lower()] == []
    assert "Traceback" not in text
    assert [line for line in lines if DEBUGGED_BY_A_LIBRARY.search(line)] == []
    assert [words for words in said if words not in text] == []
    if log_format == "json":
        events = [json.loads(line) for line in lines]
        assert len([event for event in events if event["event"] == "trip"]) == trips
    else:
        assert len([line for line in lines if "telemetry.request_log: trip " in line]) == trips
