"""Where the sentence about an error shows, and what happens where it cannot be sent."""

import asyncio
import logging
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest

from bot.discord_ui import error_messages
from bot.discord_ui.interaction_requests import InteractionResponder
from bot.discord_ui.sent_messages import delete_messages
from bot.errors import ApiServerError, ShuttingDown
from bot.messages import answers as answer_texts
from bot.messages.render import render

SENTENCE = render(ApiServerError.message)


@dataclass
class Asked:
    """As much of an interaction as an error needs; what is sent is kept, unless `fault` is raised, so many times."""

    is_done: bool = True
    fault: Exception | None = None
    faults: int = 1000
    loading: bool = True
    edits: list[dict[str, Any]] = field(default_factory=list)
    responses: list[str] = field(default_factory=list)
    extras: dict[str, Any] = field(default_factory=dict)
    command = None
    user = SimpleNamespace(id=1)
    guild_id = 2
    channel_id = 3

    @property
    def response(self) -> Any:
        return SimpleNamespace(is_done=lambda: self.is_done, send_message=self._respond)

    @property
    def followup(self) -> Any:
        return SimpleNamespace(send=self._respond)

    @property
    def interaction(self) -> discord.Interaction:
        return cast("discord.Interaction", self)

    async def original_response(self) -> Any:
        self._fail()
        return SimpleNamespace(flags=SimpleNamespace(loading=self.loading))

    async def edit_original_response(self, **edit: Any) -> None:
        self._fail()
        self.edits.append(edit)

    async def _respond(self, content: str, *, ephemeral: bool) -> None:
        self._fail()
        assert ephemeral
        self.responses.append(content)

    def _fail(self) -> None:
        if self.fault is not None and self.faults:
            self.faults -= 1
            raise self.fault


class TextOutput:
    """As much of an output as a responder needs."""

    def __init__(self, *message_ids: int) -> None:
        self.message_ids = message_ids
        self.results: list[str] = []

    async def show_result(self, text: str) -> None:
        self.results.append(text)


@pytest.mark.parametrize("is_done", [True, False])
@pytest.mark.parametrize("fault", [OSError("a secret"), TimeoutError(), discord.DiscordException()])
async def test_a_sentence_that_cannot_be_sent_is_logged_by_type(
    caplog: pytest.LogCaptureFixture, is_done: bool, fault: Exception
) -> None:
    asked = Asked(is_done, fault)
    with caplog.at_level(logging.WARNING):
        assert not await error_messages.show(asked.interaction, ApiServerError())
        assert not await error_messages.show_unless_answered(asked.interaction, ApiServerError())
    lost = [record for record in caplog.records if record.message == "notice not shown"]
    assert {vars(record)["error"] for record in lost} == {type(fault).__name__}
    assert "a secret" not in caplog.text


async def test_a_sentence_whose_connection_is_lost_is_sent_again() -> None:
    asked = Asked(fault=OSError("an idle connection was closed"), faults=1)
    assert await error_messages.show(asked.interaction, ApiServerError())
    assert [edit["content"] for edit in asked.edits] == [SENTENCE]


async def test_a_shutdown_leaves_no_button_below_its_sentence() -> None:
    asked = Asked()
    assert await error_messages.show_unless_answered(asked.interaction, ShuttingDown())
    assert asked.edits == [{"content": render(ShuttingDown.message), "attachments": [], "view": None}]


async def test_a_shutdown_leaves_an_answer_alone() -> None:
    asked = Asked(loading=False)
    assert await error_messages.show_unless_answered(asked.interaction, ShuttingDown())
    assert asked.edits == []


async def test_a_notice_below_a_result_never_raises(caplog: pytest.LogCaptureFixture) -> None:
    asked = Asked(fault=OSError("gone"))
    await error_messages.notify_privately(asked.interaction, ApiServerError.message)
    assert [record.message for record in caplog.records] == ["notice not shown"]
    asked.fault = None
    await error_messages.notify_privately(asked.interaction, ApiServerError.message)
    assert (asked.responses, asked.edits) == ([SENTENCE], [])


@pytest.mark.parametrize("fault", [OSError(), None])
async def test_messages_that_cannot_be_deleted_are_counted_and_said_once(fault: Exception | None) -> None:
    asked, tried = Asked(), []

    async def delete(number: int | None = None) -> None:
        tried.append(number)
        if fault is not None:
            raise fault

    def message(number: int) -> Any:
        return SimpleNamespace(delete=lambda: delete(number))

    interaction: Any = SimpleNamespace(
        client=SimpleNamespace(
            get_partial_messageable=lambda *_, **__: SimpleNamespace(id=3, get_partial_message=message)
        ),
        channel_id=3,
        guild_id=2,
        message=None,
        response=SimpleNamespace(defer=lambda: asyncio.sleep(0)),
        delete_original_response=delete,
        followup=asked.followup,
    )
    await delete_messages(interaction, (501, 502))
    assert tried == [501, 502, None]
    assert asked.responses == ([] if fault is None else [render(answer_texts.some_messages_left())])


async def test_the_text_of_an_answer_stays_above_the_sentence() -> None:
    asked, output = Asked(), TextOutput(501)
    await InteractionResponder(asked.interaction, cast("Any", output)).show_error(ApiServerError())
    assert (output.results, asked.edits) == ([SENTENCE], [])


async def test_without_text_the_sentence_takes_the_place_of_the_acknowledgement() -> None:
    asked, output = Asked(), TextOutput()
    await InteractionResponder(asked.interaction, cast("Any", output)).show_error(ApiServerError())
    assert output.results == []
    assert [edit["content"] for edit in asked.edits] == [SENTENCE]
