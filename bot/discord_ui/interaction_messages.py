"""The first message of an interaction, and the in-flight request that belongs to it."""

from collections.abc import Sequence
from typing import Any, Final

import discord
from discord.http import handle_message_parameters
from discord.webhook.async_ import async_context

from bot.inflight.cancellation import InFlightRequest
from bot.messages.message import Message
from bot.messages.render import render

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
    return None if response is None else response.message_id


async def show_status(interaction: discord.Interaction, status: Message, view: discord.ui.View | None = None) -> None:
    """Put `status` in place of "thinking…" until there is something to show."""
    interaction.extras[_STATUS_SHOWN] = True
    await _edit_original(interaction, render(status), [], view)


def is_awaiting_answer(interaction: discord.Interaction) -> bool:
    """Return whether an acknowledged interaction shows a status and no answer yet."""
    return _STATUS_SHOWN in interaction.extras


async def edit_original(
    interaction: discord.Interaction, text: str, files: Sequence[discord.File] = (), view: discord.ui.View | None = None
) -> int:
    """Put `text`, `files` and `view` in place of "thinking…", without link previews; return the message's id."""
    interaction.extras.pop(_STATUS_SHOWN, None)
    return await _edit_original(interaction, text, files, view)


async def _edit_original(
    interaction: discord.Interaction, text: str, files: Sequence[discord.File], view: discord.ui.View | None
) -> int:
    """Edit the interaction's own message.

    `Interaction.edit_original_response` cannot send flags, and an acknowledgement may not carry SUPPRESS_EMBEDS (FACTS:
    callback types), so this is the same request one level below it.
    """
    attachments: dict[str, Any] = {"attachments": list(files)} if files else {}
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
