"""Where an interaction's request shows: the interaction's own message, and its follow-ups."""

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Final

import discord
from discord.http import handle_message_parameters
from discord.webhook.async_ import async_context

from bot.discord_ui.components import build_answer_view
from bot.discord_ui.discord_output import (
    DiscordOutput,
    RecordingOutput,
    detecting_deletion,
    raise_if_deleted,
    repeat_once,
)
from bot.discord_ui.rate_limit_buckets import RateLimitBuckets, SharedBucket
from bot.discord_ui.sent_messages import messages_after, messages_of_interaction
from bot.inflight.cancellation import CancellationToken, InFlightRequest
from bot.messages.message import Message
from bot.messages.render import render
from bot.streaming.output import NO_BUTTONS, AnswerButtons, OutputDeleted

logger = logging.getLogger(__name__)

_ALREADY_ACKNOWLEDGED: Final = 40060
"""Discord's code "Interaction has already been acknowledged"."""

_INFLIGHT: Final = "in-flight request"
_STATUS_SHOWN: Final = "status shown"


def set_inflight_request(interaction: discord.Interaction, inflight: InFlightRequest) -> None:
    """Store the in-flight request in its interaction."""
    interaction.extras[_INFLIGHT] = inflight


def get_inflight_request(interaction: discord.Interaction) -> InFlightRequest | None:
    """Return the in-flight request of an interaction that was admitted, if it has one."""
    inflight = interaction.extras.get(_INFLIGHT)
    return inflight if isinstance(inflight, InFlightRequest) else None


async def acknowledge(interaction: discord.Interaction, *, private: bool = False) -> int | None:
    """Acknowledge with "thinking…", visible only to the requester if `private`; return the id of that message.

    A request that failed may have been carried out all the same: then the id is not known.
    """
    return await repeat_once(lambda: _defer(interaction, private=private))


async def _defer(interaction: discord.Interaction, *, private: bool) -> int | None:
    """Send an acknowledgement; one that Discord has already counts as sent."""
    try:
        response = await interaction.response.defer(ephemeral=private, thinking=True)
    except discord.HTTPException as error:
        if error.code != _ALREADY_ACKNOWLEDGED:
            raise
        # By an earlier attempt, whose response was lost: discord.py doesn't know of it.
        interaction.response._response_type = discord.InteractionResponseType.deferred_channel_message
        return None
    return None if response is None else response.message_id


async def show_status(interaction: discord.Interaction, status: Message, view: discord.ui.View | None = None) -> None:
    """Put `status` in place of "thinking…" until there is something to show."""
    interaction.extras[_STATUS_SHOWN] = True
    await repeat_once(lambda: _edit_original(interaction, render(status), [], view))


def is_awaiting_answer(interaction: discord.Interaction) -> bool:
    """Return whether an acknowledged interaction shows a status and no answer yet."""
    return _STATUS_SHOWN in interaction.extras


async def edit_original(
    interaction: discord.Interaction, text: str, files: Sequence[discord.File] = (), view: discord.ui.View | None = None
) -> int:
    """Put `text`, `files` and `view` in place of "thinking…", without link previews; return the message's id."""
    interaction.extras.pop(_STATUS_SHOWN, None)
    return await repeat_once(lambda: _edit_original(interaction, text, files, view))


async def _edit_original(
    interaction: discord.Interaction, text: str, files: Sequence[discord.File], view: discord.ui.View | None
) -> int:
    """Edit the interaction's own message.

    `Interaction.edit_original_response` cannot send flags, and an acknowledgement may not carry SUPPRESS_EMBEDS (FACTS:
    callback types), so this is the same request one level below it.
    """
    attachments: dict[str, Any] = {"attachments": list(files)} if files else {}
    for file in files:
        file.reset()  # an earlier attempt may have read it
    with handle_message_parameters(
        content=text,
        view=view,
        flags=discord.MessageFlags(suppress_embeds=True),
        previous_allowed_mentions=discord.AllowedMentions.none(),
        **attachments,
    ) as params:
        message = await async_context.get().edit_original_interaction_response(
            interaction.application_id,
            interaction.token,
            session=interaction._session,
            proxy=interaction.client.http.proxy,
            proxy_auth=interaction.client.http.proxy_auth,
            payload=params.payload,
            multipart=params.multipart,
            files=params.files,
        )
    return int(message["id"])


class FollowUps:
    """Sends, edits and deletes the follow-ups of one interaction.

    A request that failed may have been carried out all the same. discord.py would send it again at once, and Discord
    accepts no nonce for follow-ups: so a message that may be there already is looked for before. Where that is
    impossible it is sent again: one message too many beats one that is lost.
    """

    def __init__(self, interaction: discord.Interaction, *, private: bool) -> None:
        self._interaction = interaction
        self._webhook = (interaction.application_id, interaction.token)
        self._private = private
        self._uncertain = False

    async def find_unconfirmed(self, after: int) -> int | None:
        """Return the id of a message whose request failed and was carried out all the same; None if there is none.

        It comes after the answer's last known message, `after`. Its text may be outdated by now.
        """
        if not self._uncertain or (sent := await self._find_sent(after)) is None:
            return None
        self._uncertain = False
        return sent

    async def send(self, text: str, files: Sequence[discord.File], view: discord.ui.View | None) -> int:
        """Send the next message and return its id."""
        flags = discord.MessageFlags(suppress_embeds=True, ephemeral=self._private)
        buttons: dict[str, Any] = {} if view is None else {"view": view}  # Any: discord.py's options
        self._uncertain = True
        try:
            with handle_message_parameters(
                text,
                files=list(files),
                flags=flags,
                previous_allowed_mentions=discord.AllowedMentions.none(),
                **buttons,
            ) as params:
                sent = await async_context.get().execute_webhook(
                    *self._webhook,
                    session=_NoRetrySession(self._interaction._session),  # type: ignore[arg-type]  # all that is asked of it
                    payload=params.payload,
                    multipart=params.multipart,
                    files=params.files,
                    wait=True,
                    with_components=True,
                    **self._proxy_options,
                )
        except discord.HTTPException:
            self._uncertain = False  # Discord has said no
            raise
        assert sent is not None, "it was waited for"
        self._uncertain = False
        return int(sent["id"])

    async def edit(
        self, message_id: int, text: str, files: Sequence[discord.File], view: discord.ui.View | None
    ) -> None:
        """Replace a message's text, buttons and, where there are any, files."""
        attachments: dict[str, Any] = {"attachments": list(files)} if files else {}  # Any: discord.py's options
        with handle_message_parameters(
            content=text,
            view=view,
            previous_allowed_mentions=discord.AllowedMentions.none(),
            **attachments,
        ) as params:
            await async_context.get().edit_webhook_message(
                *self._webhook,
                message_id,
                session=self._interaction._session,
                payload=params.payload,
                multipart=params.multipart,
                files=params.files,
                with_components=True,
                **self._proxy_options,
            )

    async def delete(self, message_id: int) -> None:
        """Delete a message."""
        await async_context.get().delete_webhook_message(
            *self._webhook, message_id, session=self._interaction._session, **self._proxy_options
        )

    @property
    def _proxy_options(self) -> dict[str, Any]:  # Any: discord.py's options
        http = self._interaction.client.http
        return {"proxy": http.proxy, "proxy_auth": http.proxy_auth}

    async def _find_sent(self, after: int) -> int | None:
        """Look for a message that may have been sent; private ones cannot be found."""
        if self._private or self._interaction.channel_id is None:
            return None
        try:
            http, channel_id = self._interaction.client.http, self._interaction.channel_id
            sent = messages_of_interaction(await messages_after(http, channel_id, after), self._interaction.id)
        except Exception as failure:
            # No permission to read there, or trouble again, for which discord.py has no common name.
            logger.info("message lookup failed", extra={"error": type(failure).__name__})
            return None
        return int(sent[0]["id"]) if sent else None


class SendUncertain(Exception):
    """It is not known whether a request was carried out."""


class _NoRetrySession:
    """A session whose requests discord.py doesn't repeat where they may have been carried out."""

    def __init__(self, session: Any) -> None:  # Any: aiohttp's session, which this package doesn't import
        self._session = session

    @asynccontextmanager
    async def request(self, *args: Any, **options: Any) -> AsyncIterator[Any]:  # Any: as above
        try:
            async with self._session.request(*args, **options) as response:
                if response.status >= 500:
                    raise SendUncertain(f"status {response.status}")
                yield response
        except OSError as error:
            raise SendUncertain(type(error).__name__) from error


class InteractionOutput:
    """Shows an answer as an interaction's own message and, beyond that, its follow-ups.

    discord.py runs the requests of one interaction one after another, and none may be cancelled in flight (FACTS: how
    discord.py behaves, interaction webhooks); the caller ensures that.
    """

    def __init__(
        self,
        interaction: discord.Interaction,
        bucket: SharedBucket,
        cancellation: CancellationToken,
        *,
        private: bool,
    ) -> None:
        self._interaction = interaction
        self._bucket = bucket
        self._private = private
        self.cancellation = cancellation
        """Cancelled where the answer is to end."""
        self._ids: list[int] = []
        self._follow_ups = FollowUps(interaction, private=private)

    @property
    def id(self) -> int:
        """The interaction's id."""
        return self._interaction.id

    @property
    def bucket(self) -> SharedBucket:
        """What is left for further requests."""
        return self._bucket

    @property
    def message_ids(self) -> tuple[int, ...]:
        """The ids of the messages shown so far, in their order."""
        return tuple(self._ids)

    def edit_slot(self, index: int, urgent: asyncio.Event) -> AbstractAsyncContextManager[None]:
        """Return at once: an interaction's buckets are not shared."""
        del index, urgent
        return nullcontext()

    async def show(self, index: int, text: str, buttons: AnswerButtons) -> None:
        """Edit the answer's message `index`, counted from 0, or send the next one.

        Raises:
            OutputDeleted: the answer has been deleted.
        """
        await self._apply(index, text, [], buttons)

    async def attach(self, index: int, text: str, filename: str, data: bytes, buttons: AnswerButtons) -> None:
        """Do as `show` does, with a file."""
        await self._apply(index, text, [discord.File(io.BytesIO(data), filename)], buttons)

    async def acknowledge(self) -> int | None:
        """Acknowledge with "thinking…", and return the id of that message."""
        return await acknowledge(self._interaction, private=self._private)

    async def show_status(self, status: Message, buttons: AnswerButtons = NO_BUTTONS) -> None:
        """Put `status` in place of "thinking…"."""
        await show_status(self._interaction, status, build_answer_view(buttons))

    async def show_result(
        self, text: str, files: Sequence[discord.File] = (), view: discord.ui.View | None = None
    ) -> None:
        """Put all there is to show in place of "thinking…", or below what there is of an answer."""
        if self._ids:
            await self._create(text, files, view)
        else:
            await edit_original(self._interaction, text, files, view)

    async def mark_final(self, message_count: int) -> None:
        """Do nothing: see `RecordingOutput`."""

    async def _apply(self, index: int, text: str, files: list[discord.File], buttons: AnswerButtons) -> None:
        with detecting_deletion(self.cancellation):
            await self._apply_to_message(index, text, files, build_answer_view(buttons))

    async def _apply_to_message(
        self, index: int, text: str, files: list[discord.File], view: discord.ui.View | None
    ) -> None:
        if index == 0:
            # Not repeated here: by the next attempt there may be more text.
            self._interaction.extras.pop(_STATUS_SHOWN, None)
            self._ids[:1] = [await _edit_original(self._interaction, text, files, view)]
        elif index == len(self._ids):
            await self._create(text, files, view)
        else:
            await self._follow_ups.edit(self._ids[index], text, files, view)

    async def _create(self, text: str, files: Sequence[discord.File], view: discord.ui.View | None) -> None:
        """Send the next message, unless the answer is deleted: what comes too late for that is deleted."""
        raise_if_deleted(self.cancellation)
        found = await self._follow_ups.find_unconfirmed(self._ids[-1])
        self._ids.append(await self._follow_ups.send(text, files, view) if found is None else found)
        try:
            raise_if_deleted(self.cancellation)
        except OutputDeleted:
            await self._follow_ups.delete(self._ids[-1])
            raise
        if found is not None:
            await self._follow_ups.edit(found, text, files, view)


def open_output(interaction: discord.Interaction, buckets: RateLimitBuckets, *, private: bool = False) -> DiscordOutput:
    """Return where an interaction's request shows; recorded where the request has an in-flight row."""
    inflight = get_inflight_request(interaction)
    cancellation = CancellationToken() if inflight is None else inflight.cancellation
    output = InteractionOutput(interaction, buckets.for_interaction(interaction.token), cancellation, private=private)
    return output if inflight is None else RecordingOutput(output, inflight)
