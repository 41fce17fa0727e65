"""Many at once: nobody waits because another's answer is long or never comes, and nobody is forgotten at the end."""

import pytest

from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ClientUser
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Hang, Slow, Stall
from sandbox.sandbox import Sandbox
from tests.support.trip_box import ANY_NUMBER, DEADLINE_S, OpenBox, all_of, begun, is_about, whole

DISCORDS_DEADLINE_S = 3.0
WORDS = "word " * 80


@pytest.mark.alone
async def test_a_hundred_commands_are_acknowledged_while_fifty_answers_stream_and_the_api_hangs_on_fifty(
    open_box: OpenBox,
) -> None:
    box = await _box_of_streams_and_silence(open_box)
    streaming, silent = await _asked(box, "stream"), await _asked(box, "silence")
    # The stand-in enforces the deadline: an acknowledgement that is late is refused, and never counted.
    assert max(await all_of(used.until_acknowledged() for used in [*streaming, *silent])) < DISCORDS_DEADLINE_S
    await all_of(begun(used) for used in streaming)
    await box.openai.until(lambda: len(box.openai.calls(CallKind.CHAT)) == 100, DEADLINE_S)

    more = [await person.command(name, **options) for person, name, options in _of_every_kind(box)]

    assert len(more) == 100
    assert max(await all_of(used.until_acknowledged() for used in more)) < DISCORDS_DEADLINE_S
    assert all(call.running for call in box.openai.calls(CallKind.CHAT)[:100])
    assert all(used.thinking for used in silent)
    assert not any(used.failed for used in [*streaming, *silent, *more])

    box.openai.faults.clear()
    box.openai.faults.release()
    await all_of(whole(used) for used in [*streaming, *silent, *more])
    assert {used.text for used in streaming} == {WORDS.strip()}
    assert box.traffic_log.list_rate_limited() == []


@pytest.mark.alone
async def test_a_bot_that_is_stopped_leaves_nobody_thinking_and_no_answer_without_an_ending(open_box: OpenBox) -> None:
    box = await _box_of_streams_and_silence(open_box)
    streaming, silent = await _asked(box, "stream"), await _asked(box, "silence")
    await all_of(begun(used) for used in streaming)
    await box.openai.until(lambda: len(box.openai.calls(CallKind.CHAT)) == 100, DEADLINE_S)
    assert await box.bot_process.stop() == 0
    assert [used.snapshot() for used in streaming if not used.text.endswith("not the whole answer.")] == []
    assert {used.text for used in silent} == {"I'm just restarting. Please try again in a minute."}
    assert box.traffic_log.list_rate_limited() == []


async def _box_of_streams_and_silence(open_box: OpenBox) -> Sandbox:
    box = await open_box({**ANY_NUMBER, "QUOTA_MEMBER_MESSAGES_PER_DAY": "unlimited", "SHUTDOWN_GRACE_SECONDS": "0"})
    api = box.openai
    api.faults.always(CallKind.CHAT, Hang(), when=is_about("silence"))
    # They stream for two seconds and then wait for the test, so that none is over before it has looked.
    api.faults.always(CallKind.CHAT, Slow(pace_s=0.05), Stall(after=40), when=is_about("stream"))
    api.script([f"{word} " for word in WORDS.split()], when=is_about("stream"), times=None)
    return box


async def _asked(box: Sandbox, about: str) -> list[InteractionResult]:
    people = [box.join(f"{about} {number}") for number in range(50)]
    return [await person.command("/ask", prompt=f"{about}, please") for person in people]


def _of_every_kind(box: Sandbox) -> list[tuple[ClientUser, str, dict[str, str]]]:
    """A hundred further commands: who uses which, and how."""
    people = [box.user(name) for name in ("Ada", "Ben", "Cleo", "Mo")]
    uses = [
        ("/ask", {"prompt": "a thing"}),
        ("/say", {"text": "Hello."}),
        ("/help", {}),
        ("/models", {}),
        ("/usage", {}),
    ]
    return [(person, name, options) for person in people for name, options in uses * 5]
