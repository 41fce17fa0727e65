"""What becomes of an answer's last message when the process that wrote it has crashed."""

from dataclasses import replace
from typing import Any

import pytest

from bot.discord_ui.interruption_notices import (
    INTERRUPTED_BEFORE_TEXT,
    INTERRUPTED_BELOW,
    Append,
    InterruptionNotices,
    Replace,
    notice_for,
)
from bot.markdown.splitter import MESSAGE_LIMIT
from bot.store.inflight import InFlightAnswer, Phase
from bot.streaming.output import NO_BUTTONS
from bot.streaming.pages import PROGRESS_MARKER
from tests.support.answer_outputs import DiscordStage, open_stage
from tests.support.clock import FakeClock

LOADING = 1 << 7
MARKER = PROGRESS_MARKER.strip()
UNFINISHED = f"Hi.\n{MARKER}"
FULL = "x" * MESSAGE_LIMIT
LONGEST = "x" * (MESSAGE_LIMIT - len(INTERRUPTED_BELOW))

THINKING, WAITING, TEXT = Phase.THINKING, Phase.WAITING, Phase.TEXT
REPLACED = Replace(INTERRUPTED_BEFORE_TEXT)
MARKED = Replace("Hi." + INTERRUPTED_BELOW)
BELOW = INTERRUPTED_BELOW.strip()


def shown(content: str, *, flags: int = 0, files: int = 0) -> dict[str, Any]:
    """A message as Discord has it."""
    return {"id": "1", "content": content, "flags": flags, "attachments": [{}] * files}


def row(phase: Phase, final_message_count: int | None = None) -> InFlightAnswer:
    return InFlightAnswer(1, 2, "", 3, 4, phase=phase, final_message_count=final_message_count)


@pytest.mark.parametrize(
    ("message", "answer", "count", "expected"),
    [
        pytest.param(None, row(THINKING), 1, Append(INTERRUPTED_BEFORE_TEXT), id="no message yet"),
        pytest.param(shown("", flags=LOADING), row(THINKING), 1, REPLACED, id="thinking"),
        pytest.param(shown("", flags=LOADING), row(TEXT), 1, REPLACED, id="thinking, text recorded, not sent"),
        pytest.param(shown("", flags=LOADING), row(TEXT, 1), 1, REPLACED, id="thinking, final text not sent"),
        pytest.param(shown("Next."), row(WAITING), 1, REPLACED, id="a status"),
        pytest.param(shown("Hi.", files=1), row(WAITING), 1, None, id="images where a status was"),
        pytest.param(shown(UNFINISHED), row(WAITING), 1, MARKED, id="text, as a status"),
        pytest.param(shown("Images."), row(THINKING), 1, None, id="a result"),
        pytest.param(shown(UNFINISHED), row(THINKING), 1, MARKED, id="text not recorded"),
        pytest.param(shown(UNFINISHED), row(TEXT), 1, MARKED, id="text with the marker"),
        pytest.param(shown("Hi."), row(TEXT), 1, MARKED, id="text without the marker"),
        pytest.param(shown("Hi." + INTERRUPTED_BELOW), row(TEXT), 1, None, id="text with the notice"),
        pytest.param(shown(BELOW), row(TEXT, 3), 2, None, id="a message with nothing but the notice"),
        pytest.param(shown(MARKER), row(TEXT), 2, REPLACED, id="nothing but the marker"),
        pytest.param(shown("Hi."), row(TEXT, 1), 1, None, id="the final text"),
        pytest.param(shown("Hi."), row(TEXT, 2), 1, MARKED, id="the first of two final ones"),
        pytest.param(shown("Hi."), row(TEXT, 2), 2, None, id="the second of two final ones"),
        pytest.param(shown("Hi."), row(TEXT, 1), 2, None, id="more than the final ones"),
        pytest.param(shown(UNFINISHED), row(TEXT, 1), 1, MARKED, id="the final text was next"),
        pytest.param(shown(LONGEST), row(TEXT), 1, Replace(LONGEST + INTERRUPTED_BELOW), id="the notice just fits"),
        pytest.param(shown(LONGEST + "x"), row(TEXT), 1, Append(BELOW), id="the notice doesn't fit"),
        pytest.param(shown(FULL), row(TEXT), 3, Append(BELOW), id="a full message"),
        pytest.param(
            shown(f"{LONGEST}x\n{MARKER}"), row(TEXT), 1, Append(BELOW, LONGEST + "x"), id="a full one with the marker"
        ),
    ],
)
def test_the_last_message_shows_that_the_answer_was_interrupted_unless_it_is_complete(
    message: dict[str, Any] | None, answer: InFlightAnswer, count: int, expected: Replace | Append | None
) -> None:
    assert notice_for(message, answer, count) == expected


@pytest.mark.parametrize("phase", Phase)
def test_a_notice_fits_into_its_message(phase: Phase) -> None:
    for length in range(MESSAGE_LIMIT - 200, MESSAGE_LIMIT + 1):
        match notice_for(shown("x" * length), row(phase), 1):
            case Replace(text):
                assert len(text) <= MESSAGE_LIMIT
            case Append(text, remaining):
                assert len(text) <= MESSAGE_LIMIT
                assert remaining is None


@pytest.mark.parametrize("known", [0, 1, 2, 3])
@pytest.mark.parametrize("final", [3, 4])
async def test_messages_whose_ids_were_not_recorded_count(
    known: int, final: int, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_stage("reply", clock, None, monkeypatch) as stage:
        assert isinstance(stage, DiscordStage)
        for index, text in enumerate(("One.", "Two.", "Three.")):
            await stage.output.show(index, text, NO_BUTTONS)
        answer = replace(
            row(TEXT, final),
            id=stage.output.id,
            channel_id=stage.messages[0].channel_id,
            message_ids=stage.output.message_ids[:known],
        )
        assert await InterruptionNotices(stage.client, clock).notify_interrupted(answer)
        last = "Three." if final == 3 else "Three." + INTERRUPTED_BELOW
        assert stage.texts() == ["One.", "Two.", last]
