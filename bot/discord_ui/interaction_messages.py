"""The first message of an interaction, and the in-flight request that belongs to it."""

from typing import Any, Final

import discord
from discord.http import handle_message_parameters
from discord.webhook.async_ import async_context

from bot.inflight.cancellation import InFlightRequest
from bot.messages.message import Message
from bot.messages.render import render
from bot.store.inflight import Phase

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
    """Acknowledge with "thinking…", visible only to the requester if `private`; return the id of that message."""
    response = await interaction.response.defer(ephemeral=private, thinking=True)
    message_id = None if response is None else response.message_id
    inflight = get_inflight_request(interaction)
    if inflight is not None and message_id is not None:
        inflight.set_phase(Phase.THINKING, (message_id,))
    return message_id


async def show_status(interaction: discord.Interaction, status: Message, view: discord.ui.View | None = None) -> None:
    """Put `status` in place of "thinking…" until there is something to show."""
    interaction.extras[_STATUS_SHOWN] = True
    if (inflight := get_inflight_request(interaction)) is not None:
        inflight.set_phase(Phase.WAITING)
        await inflight.wait_recorded()  # first: nothing in the text tells that it waits
    await _edit_original(interaction, render(status), [], view)


def is_awaiting_answer(interaction: discord.Interaction) -> bool:
    """Return whether an acknowledged interaction shows a status and no answer yet."""
    return _STATUS_SHOWN in interaction.extras


async def edit_original(
    interaction: discord.Interaction, text: str, files: list[discord.File], view: discord.ui.View | None = None
) -> int:
    """Put `text`, `files` and `view` in place of "thinking…", without link previews; return the message's id."""
    interaction.extras.pop(_STATUS_SHOWN, None)
    message_id = await _edit_original(interaction, text, files, view)
    inflight = get_inflight_request(interaction)
    if inflight is not None and inflight.phase is Phase.WAITING:
        inflight.set_phase(Phase.THINKING)
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
