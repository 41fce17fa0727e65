"""Every way the API can fail, met by each command: one sentence, the right price, and the next command works.

Each command is used by somebody new in their direct messages: they count as a server of their own, so `/usage` there
shows what this one command cost and nothing else.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import pytest
import pytest_asyncio

from bot import errors
from bot.messages import answers
from bot.messages.render import render
from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.json_object import Json
from sandbox.openai.faults import (
    CONTENT_POLICY,
    CONTEXT_TOO_LONG,
    BadImages,
    Body,
    Cut,
    Endless,
    ErrorMidway,
    Fault,
    Hang,
    PlainJson,
    Raw,
    RequestFilter,
    Reset,
    Slow,
    Status,
    StreamStyle,
)
from sandbox.sandbox import Sandbox
from tests.support.e2e import DEADLINE_S, wait_until_final
from tests.support.observations import edits_of, usage

pytestmark = pytest.mark.asyncio(loop_scope="module")

KINDS = {"/ask": "chat", "/say": "speech", "/draw": "images"}
OPTION = {"/ask": "prompt", "/say": "text", "/draw": "prompt"}
NOTHING = {"messages": 0, "tokens": 0, "spoken characters": 0, "images": 0}
AGAIN, WELL = "and once more", "All is well."
WORDS = ["One ", "two, ", "three ", "and ", "four", " – then five."]

UNUSABLE = render(errors.InvalidApiResponse.message)
TROUBLE = render(errors.ApiServerError.message)
UNREACHABLE = render(errors.ApiUnreachable.message)
PAYMENT = render(errors.PaymentOrForbidden.message)

MET_BY_ALL: Mapping[str, tuple[Fault, str, int]] = {
    "unauthorised": (Status(401, code="invalid_api_key"), render(errors.Unauthorised.message), 1),
    "payment": (Status(402, code="insufficient_quota"), PAYMENT, 1),
    "forbidden": (Status(403, body="html"), PAYMENT, 1),
    "unknown model": (Status(404, code="model_not_found"), render(errors.UnknownModel.message), 1),
    "429": (Status(429, code="rate_limit_exceeded"), render(errors.ApiRateLimited.message), 3),
    "429 for two minutes": (Status(429, retry_after="120"), render(errors.ApiRateLimited(retry_after=120).message), 1),
    "429 without credit": (Status(429, code="insufficient_quota"), PAYMENT, 1),
    "content policy": (CONTENT_POLICY, render(errors.ContentRefused.message), 1),
    "context too long": (CONTEXT_TOO_LONG, render(errors.ContextTooLong.message), 1),
    "another 400": (Status(400, code="invalid_value"), render(errors.BadRequest.message), 1),
    "500": (Status(500), TROUBLE, 1),
    "500 with an error that is a string": (Status(500, body="error string"), TROUBLE, 1),
    "500 as a bare string": (Status(500, body="string"), TROUBLE, 1),
    "500 as a page": (Status(500, body="html"), TROUBLE, 1),
    "500 without a word": (Status(500, body="empty"), TROUBLE, 1),
    "502 as a page": (Status(502, body="html"), TROUBLE, 3),
    "503 as a bare string": (Status(503, body="string"), TROUBLE, 3),
    "504 as a page": (Status(504, body="html"), render(errors.ApiTimeout.message), 3),
    "reset": (Reset(), UNREACHABLE, 3),
    "not HTTP": (Raw(b"220 mail.example ESMTP\r\n\r\n"), UNUSABLE, 1),
    "garbage": (Body(b"\x00\xfe\xffnothing anyone could read", "application/octet-stream"), UNUSABLE, 1),
    "a page": (Body(b"<html><body>Please log in.</body></html>", "text/html"), UNUSABLE, 1),
    "other JSON": (Body(b'{"text": "la la la"}'), UNUSABLE, 1),
    "an error with 200": (Body(b'{"error": {"message": "Oops.", "type": "server_error"}}'), TROUBLE, 1),
    "nothing with 200": (Body(b""), UNUSABLE, 1),
    "no end": (Endless(), UNUSABLE, 1),
}
BEFORE_A_WORD: Mapping[str, tuple[str, Fault, str, int]] = {
    "stream ends before a word": ("/ask", Cut(0), UNUSABLE, 1),
    "stream drops before a word": ("/ask", Cut(0, "drop"), UNREACHABLE, 3),
    "stream is reset before a word": ("/ask", Cut(0, "reset"), UNREACHABLE, 3),
    "error in the stream before a word": ("/ask", ErrorMidway(0), TROUBLE, 1),
    "a page called audio": ("/say", Body(b"<html>Please log in.</html>", "audio/mpeg"), UNUSABLE, 1),
    "JSON called audio": ("/say", Body(b'{"text": "la la la"}', "audio/mpeg"), UNUSABLE, 1),
    "sound drops before a byte": ("/say", Cut(0, "drop"), UNREACHABLE, 3),
    "a text for a picture": ("/draw", BadImages("text"), UNUSABLE, 1),
    "a picture declared huge": ("/draw", BadImages("huge"), UNUSABLE, 1),
    "a picture in no base64": ("/draw", BadImages("no base64"), UNUSABLE, 1),
    "no picture in the list": ("/draw", BadImages("none"), UNUSABLE, 1),
    "nulls for a picture": ("/draw", BadImages("null"), UNUSABLE, 1),
    "a picture in a local file": ("/draw", BadImages("url", "file:///etc/hostname"), UNUSABLE, 1),
}


@dataclass(slots=True)
class Outcome:
    """What one person saw and paid, first of a command that met a fault, then of the same one without."""

    sentence: str
    thinking: bool
    messages: int
    edits: list[tuple[str, int]]
    tries: int
    price: Mapping[str, int]
    next_works: bool


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        sandbox.openai.script(WELL, when=meant_for(AGAIN), times=None)
        yield sandbox


def meant_for(text: str) -> RequestFilter:
    """Whether a request's newest words are `text`."""

    def when(body: Json) -> bool:
        newest: str = body.get("input") or body.get("prompt") or body["messages"][-1]["content"]
        return newest.endswith(text)

    return when


async def use(person: ClientUser, command: str, text: str) -> InteractionResult:
    used = await person.command(command, {OPTION[command]: text}, channel="dm")
    await used.until_acknowledged()
    return used


async def meet(sandbox: Sandbox, command: str, *faults: Fault) -> Outcome:
    """Let somebody new use a command that meets faults, and then use it again."""
    person = sandbox.join(f"Member {sandbox.traffic_log.number}")
    kind, text = KINDS[command], f"case {person.id}"
    calls = len(sandbox.openai.calls(kind))
    sandbox.openai.faults.always(kind, *faults, when=meant_for(text))
    used = await wait_until_final(await use(person, command, text))
    tries = [call for call in sandbox.openai.calls(kind)[calls:] if meant_for(text)(call.body)]
    price = await usage(person, "dm")
    return Outcome(
        used.text,
        used.thinking,
        len(used.messages),
        [(entry.method, entry.status) for entry in edits_of(sandbox, used)],
        len(tries),
        price,
        await works(person, command),
    )


async def works(person: ClientUser, command: str) -> bool:
    """Whether a command does what it should when nothing is in the way."""
    return did(command, await wait_until_final(await use(person, command, AGAIN)))


def did(command: str, used: InteractionResult) -> bool:
    """Whether a command whose text ends with `AGAIN` did what it should."""
    files = [each.filename for message in used.messages for each in message.attachments]
    wanted = {"/ask": (WELL, []), "/say": ("", ["speech.mp3"]), "/draw": ("", ["image-1.png"])}
    return (used.text, files) == wanted[command]


def assert_plain(sandbox: Sandbox, text: str) -> None:
    """Nothing of the works shows in a text: no JSON, address, key or traceback."""
    assert not re.search(r"[{}<>\n]|https?:|Traceback|Error|\b[45]\d\d\b|sk-", text)
    assert sandbox.openai.key not in text
    assert 20 < len(text) < 200


@pytest.mark.parametrize("name", MET_BY_ALL)
async def test_a_fault_becomes_one_sentence_costs_nothing_and_passes(sandbox: Sandbox, name: str) -> None:
    fault, sentence, tries = MET_BY_ALL[name]
    outcomes = dict(zip(KINDS, await asyncio.gather(*(meet(sandbox, each, fault) for each in KINDS)), strict=True))
    for command, outcome in outcomes.items():
        assert (command, outcome.sentence) == (command, sentence)
        assert_plain(sandbox, outcome.sentence)
        assert not outcome.thinking
        assert (outcome.messages, outcome.edits) == (1, [("PATCH", 200)])
        assert (command, outcome.tries) == (command, tries)
        assert (command, outcome.price) == (command, NOTHING)
        assert (command, outcome.next_works) == (command, True)


@pytest.mark.parametrize("name", BEFORE_A_WORD)
async def test_an_answer_with_nothing_usable_becomes_one_sentence_and_costs_nothing(
    sandbox: Sandbox, name: str
) -> None:
    command, fault, sentence, tries = BEFORE_A_WORD[name]
    outcome = await meet(sandbox, command, fault)
    assert outcome.sentence == sentence
    assert_plain(sandbox, outcome.sentence)
    assert not outcome.thinking
    assert (outcome.messages, outcome.tries) == (1, tries)
    assert outcome.price == NOTHING
    assert outcome.next_works


@pytest.mark.parametrize(
    ("fault", "note"),
    [
        (Cut(4), render(answers.cut())),
        (Cut(4, "drop"), render(answers.cut())),
        (Cut(4, "reset"), render(answers.cut())),
        (ErrorMidway(4), TROUBLE),
        (ErrorMidway(4, message="Flagged.", code="content_filter"), render(errors.ContentRefused.message)),
    ],
    ids=["ends", "drops", "reset", "error", "filter"],
)
async def test_an_answer_that_breaks_off_keeps_its_words_with_one_line_below_and_is_paid(
    sandbox: Sandbox, fault: Fault, note: str
) -> None:
    sandbox.openai.script(WORDS, when=lambda body: "case" in body["messages"][-1]["content"])
    outcome = await meet(sandbox, "/ask", Slow(0.05), fault)
    words, _, below = outcome.sentence.partition("\n")
    assert below == f"-# {note}"
    # A connection that breaks may take the last word with it; one that ends properly does not.
    assert words in ("One two, three and", *(() if below.endswith(TROUBLE) else ("One two, three", "One two,")))
    assert (outcome.tries, outcome.messages) == (1, 1)
    assert outcome.price["messages"] == 1
    assert outcome.price["tokens"] > 20
    assert outcome.next_works


@pytest.mark.parametrize("fault", [ErrorMidway(0), Cut(0)], ids=["error", "cut"])
async def test_hidden_reasoning_is_paid_even_if_no_word_follows(sandbox: Sandbox, fault: Fault) -> None:
    outcome = await meet(sandbox, "/ask", StreamStyle(reasoning=("Let me think. ", "Tides, tea…")), fault)
    assert outcome.sentence in (TROUBLE, UNUSABLE)
    assert "think" not in outcome.sentence
    assert outcome.price["messages"] == 1
    assert outcome.price["tokens"] > 20
    assert outcome.next_works


async def test_speech_that_breaks_off_is_given_as_far_as_it_goes_with_a_sentence(sandbox: Sandbox) -> None:
    person, text = sandbox.join("Hears the beginning"), "Slowly the lamps went out along the harbour. " * 8
    sandbox.openai.faults.next("speech", Slow(0.01), Cut(8, "drop"), when=meant_for(text.strip()))
    used = await wait_until_final(await use(person, "/say", text))
    assert used.text == f"I could only say the beginning. {UNUSABLE}"
    assert [each.filename for each in used.messages[0].attachments] == ["speech.mp3"]
    assert (await usage(person, "dm"))["spoken characters"] == len(text.strip())


async def test_plain_json_in_place_of_a_stream_is_an_answer_all_the_same(sandbox: Sandbox) -> None:
    person = sandbox.join("Reads JSON")
    sandbox.openai.script("All of it at once.", when=meant_for("no stream, please"))
    sandbox.openai.faults.next("chat", PlainJson(), when=meant_for("no stream, please"))
    used = await wait_until_final(await use(person, "/ask", "no stream, please"))
    assert used.text == "All of it at once."


async def test_a_retry_after_that_is_short_is_waited_for(sandbox: Sandbox) -> None:
    people = {command: sandbox.join(f"Waits for {command}") for command in KINDS}
    late = f"a second later {AGAIN}"
    for kind in KINDS.values():
        sandbox.openai.faults.next(kind, Status(429, retry_after="1"), when=meant_for(late))
    used = {command: await use(person, command, late) for command, person in people.items()}
    for command, kind in KINDS.items():
        assert did(command, await wait_until_final(used[command]))
        first, second = [call for call in sandbox.openai.calls(kind) if meant_for(late)(call.body)]
        assert first.status == 429
        assert second.at - first.at >= 1


async def test_with_the_api_out_of_reach_every_command_says_so_and_the_next_one_works(sandbox: Sandbox) -> None:
    people = {command: sandbox.join(f"Unplugged {command}") for command in KINDS}
    async with sandbox.openai.offline():
        used = {command: await use(person, command, "anyone there?") for command, person in people.items()}
        shown = {command: (await wait_until_final(each)).text for command, each in used.items()}
    assert shown == dict.fromkeys(KINDS, UNREACHABLE)
    for command, person in people.items():
        assert await usage(person, "dm") == NOTHING
        assert await works(person, command)


@pytest.mark.parametrize("late", [False, True], ids=["before the headers", "after them"])
async def test_an_api_that_hangs_for_some_disturbs_nobody_else(sandbox: Sandbox, late: bool) -> None:
    waiting = {command: sandbox.join(f"Waits {late} {command}") for command in KINDS}
    slowly = f"take your time {AGAIN}"
    for kind in KINDS.values():
        sandbox.openai.faults.next(kind, Hang(after_headers=late), when=meant_for(slowly))
    hanging = {command: await use(person, command, slowly) for command, person in waiting.items()}
    try:
        await sandbox.openai.until(
            lambda: len([call for call in sandbox.openai.requests if call.running]) == len(KINDS), DEADLINE_S
        )
        for command in KINDS:
            assert await works(sandbox.join(f"Goes on {late} {command}"), command)
        assert all(each.thinking for each in hanging.values())
    finally:
        sandbox.openai.faults.release()
    assert all([did(command, await wait_until_final(used)) for command, used in hanging.items()])


async def test_no_fault_left_a_traceback_or_the_key_in_the_log(sandbox: Sandbox) -> None:
    log = "\n".join(sandbox.bot_process.log)
    assert "Traceback" not in log
    assert sandbox.openai.key not in log
    assert sandbox.discord.token not in log
