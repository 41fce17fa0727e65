"""Many at once: nobody waits because another's answer is long or never comes, and nobody is forgotten at the end."""

import pytest

from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Hang, Slow, Stall
from sandbox.sandbox import Sandbox
from tests.support.e2e import (
    ANY_NUMBER,
    DEADLINE_S,
    OpenSandbox,
    all_of,
    question_contains,
    wait_until_final,
    wait_until_started,
)

DISCORDS_DEADLINE_S = 3.0
WORDS = "word " * 80


@pytest.mark.alone
async def test_a_hundred_commands_are_acknowledged_while_fifty_answers_stream_and_the_api_hangs_on_fifty(
    open_sandbox: OpenSandbox,
) -> None:
    sandbox = await _box_of_streams_and_silence(open_sandbox)
    streaming, silent = await _asked(sandbox, "stream"), await _asked(sandbox, "silence")
    # The sandbox enforces the deadline: an acknowledgement that is late is refused, and never counted.
    assert max(await all_of(used.until_acknowledged() for used in [*streaming, *silent])) < DISCORDS_DEADLINE_S
    await all_of(wait_until_started(used) for used in streaming)
    await sandbox.openai.until(lambda: len(sandbox.openai.calls(CallKind.CHAT)) == 100, DEADLINE_S)

    more = [await person.command(name, options) for person, name, options in _of_every_kind(sandbox)]

    assert len(more) == 100
    assert max(await all_of(used.until_acknowledged() for used in more)) < DISCORDS_DEADLINE_S
    assert all(call.running for call in sandbox.openai.calls(CallKind.CHAT)[:100])
    assert all(used.thinking for used in silent)
    assert not any(used.failed for used in [*streaming, *silent, *more])

    sandbox.openai.faults.clear()
    sandbox.openai.faults.release()
    await all_of(wait_until_final(used) for used in [*streaming, *silent, *more])
    assert {used.text for used in streaming} == {WORDS.strip()}
    assert sandbox.traffic_log.list_rate_limited() == []


@pytest.mark.alone
async def test_a_bot_that_is_stopped_leaves_nobody_thinking_and_no_answer_without_an_ending(
    open_sandbox: OpenSandbox,
) -> None:
    sandbox = await _box_of_streams_and_silence(open_sandbox)
    streaming, silent = await _asked(sandbox, "stream"), await _asked(sandbox, "silence")
    await all_of(wait_until_started(used) for used in streaming)
    await sandbox.openai.until(lambda: len(sandbox.openai.calls(CallKind.CHAT)) == 100, DEADLINE_S)
    assert await sandbox.bot_process.stop() == 0
    assert [used.snapshot() for used in streaming if not used.text.endswith("not the whole answer.")] == []
    assert {used.text for used in silent} == {"I'm just restarting. Please try again in a minute."}
    assert sandbox.traffic_log.list_rate_limited() == []


async def _box_of_streams_and_silence(open_sandbox: OpenSandbox) -> Sandbox:
    sandbox = await open_sandbox(
        {**ANY_NUMBER, "QUOTA_MEMBER_MESSAGES_PER_DAY": "unlimited", "SHUTDOWN_GRACE_SECONDS": "0"}
    )
    api = sandbox.openai
    api.faults.always(CallKind.CHAT, Hang(), when=question_contains("silence"))
    # They stream for two seconds and then wait for the test, so that none is over before it has looked.
    api.faults.always(CallKind.CHAT, Slow(pace_s=0.05), Stall(after=40), when=question_contains("stream"))
    api.script([f"{word} " for word in WORDS.split()], when=question_contains("stream"), times=None)
    return sandbox


async def _asked(sandbox: Sandbox, about: str) -> list[InteractionResult]:
    people = [sandbox.join(f"{about} {number}") for number in range(50)]
    return [await person.command("/ask", prompt=f"{about}, please") for person in people]


def _of_every_kind(sandbox: Sandbox) -> list[tuple[ClientUser, str, dict[str, str]]]:
    """A hundred further commands: who uses which, and how."""
    people = [sandbox.user(name) for name in ("Ada", "Ben", "Cleo", "Mo")]
    uses = [
        ("/ask", {"prompt": "a thing"}),
        ("/say", {"text": "Hello."}),
        ("/help", {}),
        ("/models", {}),
        ("/usage", {}),
    ]
    return [(person, name, options) for person in people for name, options in uses * 5]
