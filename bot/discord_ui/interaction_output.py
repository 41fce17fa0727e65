"""Where an answer shows: the messages of one interaction."""

import asyncio
import io
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Final

import discord
from discord.http import handle_message_parameters
from discord.webhook.async_ import async_context

from bot.discord_ui.answer_buttons_view import drawn
from bot.discord_ui.followups import FollowUps
from bot.discord_ui.interaction_messages import entry_of
from bot.discord_ui.message_deletion import check_there, vanishing
from bot.discord_ui.rate_limit_buckets import SharedBucket
from bot.inflight.cancellation import CancellationToken
from bot.store.inflight import Phase
from bot.streaming.output import AnswerButtons, OutputDeleted
from bot.streaming.pages import PROGRESS_MARKER

_MEANWHILE: Final = "said meanwhile"


class InteractionOutput:
    """Phase an answer as an interaction's own message and, beyond that, its follow-ups.

    discord.py runs the requests of one interaction one after another, and none may be cancelled in flight (FACTS: how
    discord.py behaves, interaction webhooks); whoever calls sees to that.
    """

    def __init__(self, interaction: discord.Interaction, room: SharedBucket, *, private: bool) -> None:
        self._interaction = interaction
        self._room = room
        self._entry = entry_of(interaction)
        self.brake = CancellationToken() if self._entry is None else self._entry.brake
        """Pulled where the answer is to end."""
        self._ids: list[int] = []
        self._follow_ups = FollowUps(interaction, private=private)

    @property
    def id(self) -> int:
        """The interaction's id."""
        return self._interaction.id

    @property
    def bucket(self) -> SharedBucket:
        """What is left for further requests."""
        return self._room

    @property
    def message_ids(self) -> tuple[int, ...]:
        """The ids of the messages shown so far, in their order."""
        return tuple(self._ids)

    def edit_slot(self, index: int, urgent: asyncio.Event) -> AbstractAsyncContextManager[None]:
        """Return at once: nobody else draws from an interaction's buckets."""
        del index, urgent
        return nullcontext()

    async def show(self, index: int, text: str, buttons: AnswerButtons) -> None:
        """Make `text` the content of the answer's message `index`, counted from 0; the next one is created.

        Raises:
            OutputDeleted: the answer has been deleted.
        """
        await self._put(index, text, [], buttons)

    async def attach(self, index: int, text: str, filename: str, data: bytes, buttons: AnswerButtons) -> None:
        """Do as `show` does, with a file."""
        await self._put(index, text, [discord.File(io.BytesIO(data), filename)], buttons)

    async def show_status(self, text: str, buttons: AnswerButtons) -> None:
        """Put `text` in place of "thinking…"."""
        await say_meanwhile(self._interaction, text, drawn(buttons))

    async def mark_final(self, message_count: int) -> None:
        """Note that last words are on their way, for whoever would come after a death in the middle of them."""
        if self._entry is not None:
            await self._entry.closing(message_count)

    async def _put(self, index: int, text: str, files: list[discord.File], buttons: AnswerButtons) -> None:
        with vanishing(self.brake):
            await self._put_there(index, text, files, drawn(buttons))

    async def _put_there(self, index: int, text: str, files: list[discord.File], view: discord.ui.View | None) -> None:
        if index == 0:
            await self._note_first_words(text)
            self._ids[:1] = [await edit_original(self._interaction, text, files, view)]
        elif index == len(self._ids):
            await self._create(text, files, view)
        else:
            await self._follow_ups.edit(self._ids[index], text, files, view)
        self._note_messages()

    async def _create(self, text: str, files: list[discord.File], view: discord.ui.View | None) -> None:
        """Send the next message, unless the answer is deleted: what comes too late for that is taken back."""
        check_there(self.brake)
        found = await self._follow_ups.found(self._ids[-1])
        self._ids.append(await self._follow_ups.send(text, files, view) if found is None else found)
        try:
            check_there(self.brake)
        except OutputDeleted:
            await self._follow_ups.delete(self._ids[-1])
            raise
        if found is not None:
            await self._follow_ups.edit(found, text, files, view)

    async def _note_first_words(self, text: str) -> None:
        """See that it is known of words that don't tell it themselves that they are not all, before they show."""
        entry = self._entry
        if entry is not None and entry.shows is not Phase.LINE and not text.endswith(PROGRESS_MARKER):
            entry.show(Phase.WORDS)
            await entry.written()

    def _note_messages(self) -> None:
        if self._entry is not None:
            self._entry.show(Phase.WORDS, self.message_ids)


async def acknowledge(interaction: discord.Interaction, *, private: bool = False) -> int | None:
    """Let Discord show "thinking…", to the person who asked only if `private`; return the id of that message."""
    response = await interaction.response.defer(ephemeral=private, thinking=True)
    message_id = None if response is None else response.message_id
    entry = entry_of(interaction)
    if entry is not None and message_id is not None:
        entry.show(Phase.THINKING, (message_id,))
    return message_id


async def say_meanwhile(interaction: discord.Interaction, text: str, view: discord.ui.View | None = None) -> None:
    """Put `text` in place of "thinking…" until there is something to show."""
    interaction.extras[_MEANWHILE] = True
    if (entry := entry_of(interaction)) is not None:
        entry.show(Phase.LINE)
        await entry.written()  # first: nothing in the text tells that it waits
    await _edit_original(interaction, text, [], view)


def awaits_answer(interaction: discord.Interaction) -> bool:
    """Whether an acknowledged interaction shows nothing yet but what was said meanwhile."""
    return _MEANWHILE in interaction.extras


async def edit_original(
    interaction: discord.Interaction, text: str, files: list[discord.File], view: discord.ui.View | None = None
) -> int:
    """Put `text`, `files` and `view` in place of "thinking…", without link previews; return the message's id."""
    interaction.extras.pop(_MEANWHILE, None)
    message_id = await _edit_original(interaction, text, files, view)
    entry = entry_of(interaction)
    if entry is not None and entry.shows is Phase.LINE:
        entry.show(Phase.THINKING)
    return message_id


async def _edit_original(
    interaction: discord.Interaction, text: str, files: list[discord.File], view: discord.ui.View | None
) -> int:
    """Edit the interaction's own message.

    `Interaction.edit_original_response` cannot send flags, and an acknowledgement may not carry SUPPRESS_EMBEDS (FACTS:
    callback types), so this is the same request one level below it.
    """
    attachments: dict[str, Any] = {"attachments": files} if files else {}
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
