"""What end-to-end tests share: asking, waiting for the last edit, and reading what the API was sent."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from bot.messages import answers
from bot.messages.render import render
from sandbox.client.interaction_result import InteractionResult
from sandbox.client.message_result import MessageResult
from sandbox.client.user import ClientUser
from sandbox.openai.calls import ApiCall
from sandbox.openai.chat import get_text
from sandbox.sandbox import Sandbox

T = TypeVar("T")
S = TypeVar("S", InteractionResult, MessageResult)

OpenSandbox = Callable[..., Awaitable[Sandbox]]
"""Starts a sandbox: the bot's settings first, then what `Sandbox` takes by name."""

DEADLINE_S = 30.0
"""How long anything may take before a test gives up on it."""

ANY_NUMBER = {"MEMBER_RATE": "off", "MEMBER_RUNNING": "off", "CHANNEL_RUNNING": "off"}
"""Settings with which anybody may do as much at once as they like."""

UNLIMITED = {
    **ANY_NUMBER,
    "QUOTA_MEMBER_MESSAGES_PER_DAY": "unlimited",
    "QUOTA_MEMBER_SPEECH_CHARACTERS_PER_DAY": "unlimited",
    "QUOTA_MEMBER_IMAGES_PER_DAY": "unlimited",
    "QUOTA_SERVER_TOKENS_PER_DAY": "unlimited",
    "QUOTA_SERVER_SPEECH_CHARACTERS_PER_DAY": "unlimited",
    "QUOTA_SERVER_IMAGES_PER_DAY": "unlimited",
}
"""Settings with which anybody may do as much as they like."""

PROGRESS_MARKER = render(answers.progress_marker()).strip()
"""The last line of an answer that is still being written."""

THINKING = render(answers.thinking())
"""What shows while the model thinks before it writes."""

INTERRUPTED = f"-# {render(answers.interrupted())}"
"""The last line of an answer that was interrupted."""

INTERRUPTED_BEFORE_TEXT = render(answers.interrupted_before_text())


async def all_of(waiting: Iterable[Awaitable[T]]) -> list[T]:
    """Wait for everything at once."""
    return list(await asyncio.gather(*waiting))


async def wait_until_final(used: S) -> S:
    """Wait until what a command or a message is answered with is final: neither thinking nor being written."""
    await used.until(lambda each: each.failed or (each.messages and _is_final(each)), deadline_s=DEADLINE_S)
    assert not used.failed, "Discord would say that the application did not respond"
    return used


async def wait_until_started(used: S) -> S:
    """Wait for an answer's first words."""
    return await used.until(is_streaming, deadline_s=DEADLINE_S)


def is_streaming(used: InteractionResult | MessageResult) -> bool:
    """Whether the answer shows that more is coming."""
    return used.text.endswith(PROGRESS_MARKER)


def is_thinking(used: InteractionResult | MessageResult) -> bool:
    """Whether the line stands in for an answer without a word yet."""
    return used.text == THINKING


async def run_command(person: ClientUser, command: str, **options: Any) -> InteractionResult:
    """Use a command and wait for all that it shows."""
    return await wait_until_final(await person.command(command, **options))


async def ask(person: ClientUser, prompt: str, **options: Any) -> InteractionResult:
    """Ask, and wait for the whole answer."""
    return await run_command(person, "/ask", prompt=prompt, **options)


async def mention(person: ClientUser, text: str, **options: Any) -> MessageResult:
    """Ask in a message that mentions the bot, and wait for the whole answer."""
    return await wait_until_final(await person.asks(text, **options))


async def press_button(person: ClientUser, shown: InteractionResult, label: str) -> str:
    """Press a button and give what is there afterwards: the message itself, or the private refusal."""
    message = shown.messages[0]
    versions = len(message.history)
    used = await person.clicks(message, label)
    await used.until(
        lambda each: each.failed or each.messages or len(message.history) > versions, deadline_s=DEADLINE_S
    )
    assert not used.failed
    if used.messages:
        assert used.private
        return used.text
    return message.content


def sent_texts(call: ApiCall) -> list[str]:
    """What a chat request says in its users' and assistants' messages, oldest first, without who spoke."""
    return [_words(message["role"], get_text(message)) for message in call.messages if message["role"] != "developer"]


def sent_questions(call: ApiCall) -> list[str]:
    """The questions a chat request carries, the newest last."""
    return [_words("user", get_text(message)) for message in call.messages if message["role"] == "user"]


def question_contains(word: str) -> Callable[[dict[str, Any]], bool]:
    """A predicate for the sandbox's faults and scripts: the newest question has this word in it."""
    return lambda body: word in get_text(body["messages"][-1])


def _is_final(used: InteractionResult | MessageResult) -> bool:
    return not is_streaming(used) and not is_thinking(used)


def _words(role: str, content: str) -> str:
    if role != "user":
        return content
    speaker, text = content.split("\n", 1)
    assert json.loads(speaker).keys() - {"files", "about"} == {"speaker"}
    return text
