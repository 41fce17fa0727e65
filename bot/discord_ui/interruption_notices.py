"""Appends a notice to answers that a crashed process left unfinished.

The interaction's own token comes first: it needs no permission and reaches private answers too, for fifteen minutes.
After that the bot's token reaches what everyone can see. Answers to messages have no other.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import discord
from discord.http import handle_message_parameters
from discord.webhook.async_ import async_context

from bot.clock import Clock
from bot.discord_ui.sent_messages import messages_after, messages_of_interaction
from bot.markdown.splitter import MESSAGE_LIMIT
from bot.messages import answers as texts
from bot.messages.render import render
from bot.store.inflight import InFlightAnswer, Phase
from bot.streaming.pages import PROGRESS_MARKER

INTERRUPTED_BEFORE_TEXT: Final = render(texts.interrupted_before_text())
INTERRUPTED_BELOW: Final = f"\n-# {render(texts.interrupted())}"

TOKEN_LIFETIME: Final = timedelta(minutes=14, seconds=30)
"""Fifteen minutes by Discord's documentation; refused tokens count towards a ban."""

_LOADING: Final = discord.MessageFlags(loading=True).value
_EPHEMERAL: Final = discord.MessageFlags(ephemeral=True).value

logger = logging.getLogger(__name__)

_Message = dict[str, Any]  # Any: Discord's JSON


@dataclass(frozen=True, slots=True)
class Replace:
    """A message is to show this text instead."""

    text: str


@dataclass(frozen=True, slots=True)
class Append:
    """A message with this text is to be sent below; the one above is to show `remaining`, None: as it does."""

    text: str
    remaining: str | None = None


def notice_for(message: _Message | None, answer: InFlightAnswer, message_count: int) -> Replace | Append | None:
    """Return how `message`, the last of `message_count`, gets the notice; None where the answer is complete."""
    if message is None:
        return Append(INTERRUPTED_BEFORE_TEXT)
    text: str = message["content"]
    if _shows_no_text_yet(message, answer):
        return Replace(INTERRUPTED_BEFORE_TEXT)
    if text.endswith(INTERRUPTED_BELOW.strip()):
        return None  # by the process itself, which was declared dead and lives
    if not _is_unfinished(text) and (answer.phase is not Phase.TEXT or _is_complete(answer, message_count)):
        return None
    remaining = text.removesuffix(PROGRESS_MARKER.strip()).rstrip()
    if not remaining:
        return Replace(INTERRUPTED_BEFORE_TEXT)
    if len(remaining) + len(INTERRUPTED_BELOW) <= MESSAGE_LIMIT:
        return Replace(remaining + INTERRUPTED_BELOW)
    return Append(INTERRUPTED_BELOW.strip(), None if remaining == text else remaining)


def _may_have_later_messages(message: _Message, answer: InFlightAnswer, message_count: int) -> bool:
    """Return whether messages may have been sent just before the end, too late for their ids to be recorded."""
    return (
        answer.phase is Phase.TEXT
        and not _shows_no_text_yet(message, answer)
        and not _is_unfinished(message["content"])
        and not _is_complete(answer, message_count)
    )


def _shows_no_text_yet(message: _Message, answer: InFlightAnswer) -> bool:
    """Return whether a message shows "thinking…" or a status."""
    if message.get("flags", 0) & _LOADING:
        return True
    return answer.phase is Phase.WAITING and not _is_unfinished(message["content"]) and not message["attachments"]


def _is_complete(answer: InFlightAnswer, message_count: int) -> bool:
    """Return whether an answer whose final text was being sent has no more than so many messages."""
    return answer.final_message_count is not None and message_count >= answer.final_message_count


def _is_unfinished(text: str) -> bool:
    return text.endswith(PROGRESS_MARKER.strip())


class _NoMessages(Exception):
    """No message of the answer can be found."""


class InterruptionNotices:
    """Marks answers of crashed processes as interrupted."""

    def __init__(self, client: discord.Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def notify_interrupted(self, answer: InFlightAnswer) -> bool:
        """Mark `answer` as interrupted unless it is complete; return False where that has to be tried again.

        An answer that cannot be reached at all is logged and counts as done.
        """
        for access in self._list_accesses(answer):
            try:
                marked = await self._mark(access, answer)
            except _NoMessages:
                continue
            except discord.HTTPException as error:
                facts = {"answer": answer.id, "by": access.name, "status": error.status, "discord_code": error.code}
                if error.status == 429 or error.status >= 500:
                    logger.info("interrupted answer not marked yet", extra=facts)
                    return False
                logger.info("interrupted answer not reached", extra=facts)
            except Exception as error:
                # No connection, most likely. The error's text may contain the token, so only its type is logged.
                logger.warning(
                    "interrupted answer not marked yet", extra={"answer": answer.id, "error": type(error).__name__}
                )
                return False
            else:
                facts = {"answer": answer.id, "channel": answer.channel_id, "by": access.name, "marked": marked}
                logger.info("interrupted answer", extra=facts)
                return True
        logger.warning("interrupted answer out of reach", extra={"answer": answer.id, "channel": answer.channel_id})
        return True

    def _list_accesses(self, answer: InFlightAnswer) -> "Iterator[_TokenAccess | _BotAccess]":
        if answer.token and self._age(answer) < TOKEN_LIFETIME:
            yield _TokenAccess(self._client, answer)
        yield _BotAccess(self._client, answer)

    def _age(self, answer: InFlightAnswer) -> timedelta:
        return self._clock.discord_now() - datetime.fromtimestamp(answer.started_at_ms / 1000, UTC)

    async def _mark(self, access: "_TokenAccess | _BotAccess", answer: InFlightAnswer) -> bool:
        """Mark the answer's last message if the answer is unfinished; return whether it was."""
        message, count = await access.fetch_last()
        if message is not None and _may_have_later_messages(message, answer, count):
            later = await self._find_later_messages(answer, message)
            message, count = [message, *later][-1], count + len(later)
        notice = notice_for(message, answer, count)
        match notice:
            case Replace(text):
                assert message is not None, "there is one to replace"
                await access.edit(message, text)
            case Append(text, remaining):
                if message is not None and remaining is not None:
                    await access.edit(message, remaining)
                await access.send(message, text)
        return notice is not None

    async def _find_later_messages(self, answer: InFlightAnswer, last_known: _Message) -> list[_Message]:
        """Look for messages that were sent just before the end, too late for their ids to be written down.

        Only possible where the bot may read the channel; private ones cannot be found.
        """
        try:
            return await _find_messages(self._client, answer, after=int(last_known["id"]))
        except discord.HTTPException:
            return []


async def _find_messages(client: discord.Client, answer: InFlightAnswer, *, after: int) -> list[_Message]:
    """Look through a channel for the messages of an answer, the oldest first."""
    found = await messages_after(client.http, answer.channel_id, after)
    if answer.token:
        return messages_of_interaction(found, answer.id)
    own: list[_Message] = []
    above = str(after)
    for each in found:
        # Each message of an answer to a message is a reply to the one before it, the first to the question.
        reply_to = (each.get("message_reference") or {}).get("message_id")
        if each["author"]["id"] == str(client.user and client.user.id) and reply_to == above:
            own.append(each)
            above = each["id"]
    return own


class _TokenAccess:
    """The interaction's token: no permission needed."""

    name = "token"

    def __init__(self, client: discord.Client, answer: InFlightAnswer) -> None:
        self._webhook = (answer.application_id, answer.token)
        self._session = discord.Webhook.partial(*self._webhook, client=client).session
        self._answer = answer

    async def fetch_last(self) -> tuple[_Message, int]:
        """Return the last message known, and how many there are up to it."""
        adapter, ids = async_context.get(), self._answer.message_ids
        if len(ids) > 1:
            return dict(await adapter.get_webhook_message(*self._webhook, ids[-1], session=self._session)), len(ids)
        return dict(await adapter.get_original_interaction_response(*self._webhook, session=self._session)), 1

    async def edit(self, message: _Message, text: str) -> None:
        await async_context.get().edit_webhook_message(
            *self._webhook, int(message["id"]), session=self._session, payload=_payload(text)
        )

    async def send(self, last: _Message | None, text: str) -> None:
        assert last is not None, "an interaction has a message from its acknowledgement on"
        payload = {**_payload(text), "flags": last.get("flags", 0) & _EPHEMERAL}
        await async_context.get().execute_webhook(*self._webhook, session=self._session, payload=payload, wait=True)


class _BotAccess:
    """The bot's own token: works after the interaction's has run out, but not for private messages."""

    name = "bot"

    def __init__(self, client: discord.Client, answer: InFlightAnswer) -> None:
        self._client = client
        self._http = client.http
        self._channel_id = answer.channel_id
        self._answer = answer

    async def fetch_last(self) -> tuple[_Message | None, int]:
        """Return the last message known, if there is one, and how many there are up to it."""
        if ids := self._answer.message_ids:
            return dict(await self._http.get_message(self._channel_id, ids[-1])), len(ids)
        # It died before the first id was written down. What asks is older than the messages that answer it.
        sent = await _find_messages(self._client, self._answer, after=self._answer.id)
        if not sent and self._answer.token:
            raise _NoMessages
        return sent[-1] if sent else None, len(sent)

    async def edit(self, message: _Message, text: str) -> None:
        with handle_message_parameters(
            content=text, view=None, allowed_mentions=discord.AllowedMentions.none()
        ) as params:
            await self._http.edit_message(self._channel_id, int(message["id"]), params=params)

    async def send(self, last: _Message | None, text: str) -> None:
        above = None
        if not self._answer.token:
            message_id = self._answer.id if last is None else int(last["id"])
            above = discord.MessageReference(message_id=message_id, channel_id=self._channel_id).to_dict()
        with handle_message_parameters(
            content=text,
            allowed_mentions=discord.AllowedMentions.none(),
            message_reference=above or discord.utils.MISSING,
        ) as params:
            await self._http.send_message(self._channel_id, params=params)


def _payload(text: str) -> dict[str, Any]:  # Any: Discord's JSON
    return {"content": text, "components": [], "allowed_mentions": discord.AllowedMentions.none().to_dict()}
