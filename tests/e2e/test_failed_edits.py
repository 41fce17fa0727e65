"""Requests to Discord that fail while an answer is written, and answers that are deleted meanwhile.

The answer is there at the end, once; a deleted one stays deleted.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from bot.errors import BadRequest
from bot.messages.render import render
from sandbox.client.components import find_buttons
from sandbox.client.interaction_result import InteractionResult
from sandbox.client.message_result import MessageResult
from sandbox.client.user import ClientUser
from sandbox.discord.http.faults import HttpFault
from sandbox.discord.messages import Message
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Slow, Stall, Status
from sandbox.sandbox import Sandbox
from tests.support.e2e import (
    ANY_NUMBER,
    DEADLINE_S,
    PROGRESS_MARKER,
    OpenSandbox,
    all_of,
    ask,
    mention,
    question_contains,
    run_command,
    sent_texts,
)

Shown = InteractionResult | MessageResult
Ask = Callable[[ClientUser, str], Awaitable[Shown]]

TROUBLES = {
    "500": HttpFault(500),
    "403": HttpFault(403, code=50013),
    "reset": HttpFault(),
    "500, applied": HttpFault(500, applied=True),
    "reset, applied": HttpFault(applied=True),
}
POINTS = ("first words", "words on the way", "next message", "last words")
AFTERWARDS = ["Regenerate", "Read aloud", "Delete"]


@dataclass(frozen=True)
class Case:
    """An answer whose request at some point meets trouble."""

    way: str
    point: str
    trouble: str

    @property
    def question(self) -> str:
        return f"{self.way}, {self.point}: {self.trouble}."

    @property
    def is_certain(self) -> bool:
        """Whether anybody can find out what became of the request."""
        return not (self.way == "private" and self.point == "next message" and "applied" in self.trouble)


async def _public(person: ClientUser, question: str) -> Shown:
    return await person.command("/ask", prompt=question, channel="dm")


async def _private(person: ClientUser, question: str) -> Shown:
    return await person.command("/ask", prompt=question, private=True)


async def _mention(person: ClientUser, question: str) -> Shown:
    return await person.asks(question, channel="dm")


WAYS: dict[str, Ask] = {"public": _public, "private": _private, "mention": _mention}


async def test_an_answer_is_there_once_whatever_request_fails(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    sandbox.openai.script(["word " * 200, *["word "] * 40, *["word " * 20] * 20], times=None)
    sandbox.openai.faults.always(CallKind.CHAT, Slow(pace_s=0.05))
    cases = [Case(way, point, trouble) for way in WAYS for point in POINTS for trouble in TROUBLES]
    shown = await all_of(_met(sandbox, case) for case in cases)
    seen = {case.question: _words(case, messages) for case, messages in zip(cases, shown, strict=True)}
    assert seen == {case.question: 640 for case in cases}
    assert sandbox.discord.http_faults.waiting == 0
    assert "Traceback" not in "\n".join(sandbox.bot_process.log)


async def test_an_answer_that_is_deleted_stays_deleted(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    ada, mo = sandbox.user("Ada"), sandbox.user("Mo")
    sandbox.openai.script(["One ", "two ", "three ", "four."], when=question_contains("1 message"), times=None)
    sandbox.openai.script(["word " * 450, *["and more "] * 20], when=question_contains("2 messages"), times=None)
    for by_command in (True, False):
        for of, which in ((1, [0]), (2, [0]), (2, [1]), (2, [0, 1])):
            sandbox.openai.faults.next(CallKind.CHAT, Stall(after=3 if of == 1 else 8))
            tell = "1 message" if of == 1 else "2 messages"
            used: Shown = await (ada.command("/ask", prompt=tell) if by_command else ada.asks(tell))
            messages = await _lives(used, of)
            gone = [messages[each] for each in which]
            if len(gone) == 1:
                mo.deletes(*gone)
            else:
                mo.deletes_together(*gone)
            await _ends(sandbox, messages)
            assert [each.deleted for each in gone] == [True] * len(gone)
            assert all(each in messages for each in used.messages)
    # Discord tells nobody that a private answer was dismissed: the next words find nothing any more.
    sandbox.openai.script(["word "] * 200, when=question_contains("dismiss"))
    sandbox.openai.faults.next(CallKind.CHAT, Slow(pace_s=0.1))
    used = await ada.command("/ask", prompt="dismiss me", private=True)
    (message,) = await _lives(used, 1)
    ada.deletes(message)
    await _ends(sandbox, [message])
    assert used.messages == []
    for private in (False, True):
        await ask(ada, "What was that?", private=private)
        assert sent_texts(sandbox.openai.calls(CallKind.CHAT)[-1]) == ["What was that?"]


@pytest.mark.parametrize("trouble", ["reset", "500, applied", "reset, applied"])
@pytest.mark.parametrize("private", [False, True])
async def test_an_acknowledgement_whose_response_is_lost_is_not_the_last_word(
    sandbox: Sandbox, trouble: str, *, private: bool
) -> None:
    sandbox.discord.http_faults.next("POST", "/callback", TROUBLES[trouble])
    used = await ask(sandbox.user("Ada"), "Go on.", private=private)
    assert sandbox.discord.http_faults.waiting == 0
    assert used.private is private
    assert labels(used.messages[-1]) == AFTERWARDS


@pytest.mark.parametrize("trouble", ["reset", "reset, applied"])
@pytest.mark.parametrize(("command", "option"), [("/draw", "prompt"), ("/say", "text")])
async def test_a_lost_connection_takes_no_file_with_it(
    sandbox: Sandbox, command: str, option: str, trouble: str
) -> None:
    sandbox.discord.http_faults.next("PATCH", "/messages/@original", TROUBLES[trouble])
    used = await run_command(sandbox.user("Ada"), command, **{option: "A lighthouse."})
    assert sandbox.discord.http_faults.waiting == 0
    (message,) = used.messages
    (attachment,) = message.attachments
    assert attachment.data
    assert message.content == ""


@pytest.mark.parametrize("trouble", ["reset", "reset, applied"])
async def test_a_lost_connection_takes_no_sentence_about_an_error_with_it(sandbox: Sandbox, trouble: str) -> None:
    sandbox.openai.faults.always(CallKind.CHAT, Status(400))
    for method, path in (("PATCH", "/messages/@original"), ("POST", "/messages")):
        sandbox.discord.http_faults.next(method, path, TROUBLES[trouble])
    used, asked = await ask(sandbox.user("Ada"), "Go on."), await mention(sandbox.user("Ben"), "Go on.")
    assert sandbox.discord.http_faults.waiting == 0
    assert used.text == asked.text == render(BadRequest.message)
    assert len(asked.messages) == 1


async def _met(sandbox: Sandbox, case: Case) -> list[Message]:
    """Ask, let a request at that point meet trouble, and wait for the end."""
    person = sandbox.join(f"Member {len(sandbox.state.users)}")
    used = await WAYS[case.way](person, case.question)
    asking = used.message.id if isinstance(used, MessageResult) else None
    path = (
        f"/{used.interaction.token}" if isinstance(used, InteractionResult) else f"/{used.message.channel_id}/messages"
    )
    at: dict[str, tuple[str, Callable[[Any], bool]]] = {
        "first words": ("PATCH" if asking is None else "POST", lambda _: True),
        "words on the way": ("PATCH", lambda body: _goes_on(body["content"]) and len(body["content"]) > 1050),
        "next message": ("POST", lambda body: "content" in body and (asking is None or _replies_to(body) != asking)),
        "last words": ("*", lambda body: "Regenerate" in str(body)),
    }
    method, when = at[case.point]
    sandbox.discord.http_faults.next(method, path, TROUBLES[case.trouble], when=when)
    await used.until(lambda each: each.messages and labels(each.messages[-1]) == AFTERWARDS, deadline_s=3 * DEADLINE_S)
    return used.messages


def labels(message: Message) -> list[str]:
    return [each["label"] for each in find_buttons(message.components)]


def _words(case: Case, messages: list[Message]) -> int:
    """Count what is to be read of an answer in two messages; where nobody could know, the second may be there twice."""
    if not case.is_certain and len(messages) == 3:
        messages = [messages[0], messages[2]]
    return " ".join(message.content for message in messages).split().count("word") if len(messages) == 2 else 0


async def _lives(used: Shown, messages: int) -> list[Message]:
    """Wait until an answer has that many messages and says that it goes on."""
    await used.until(
        lambda each: len(each.messages) == messages and _goes_on(each.messages[-1].content), deadline_s=DEADLINE_S
    )
    return used.messages


async def _ends(sandbox: Sandbox, messages: list[Message]) -> None:
    """Wait until the newest answer has ended early: no more is wanted of it, and what is left doesn't look alive."""
    call = sandbox.openai.calls(CallKind.CHAT)[-1]
    await sandbox.openai.until(lambda: call.closed_early_at is not None, DEADLINE_S)
    await sandbox.state.changed.until(
        lambda: not any(_goes_on(each.content) or labels(each) for each in messages if not each.deleted),
        deadline_s=DEADLINE_S,
        what="the end",
    )


def _goes_on(text: str) -> bool:
    return text.endswith(PROGRESS_MARKER)


def _replies_to(body: dict[str, Any]) -> int | None:
    reference = body.get("message_reference") or {}
    return int(reference["message_id"]) if "message_id" in reference else None
