"""The bot's own messages: found again, and deleted on request."""

import logging
from collections.abc import Iterable
from typing import Any, Final

import discord

from bot.context import RequestContext
from bot.messages import answers as texts
from bot.messages.render import render

logger = logging.getLogger(__name__)


def original_user_id(interaction: discord.Interaction) -> int | None:
    """Return the id of the user whose interaction the message with the pressed button answers, if Discord says."""
    message = interaction.message
    if message is None or message.interaction_metadata is None:
        return None
    return message.interaction_metadata.user.id


def check_can_delete(requester: RequestContext, interaction: discord.Interaction, message_ids: Iterable[int]) -> None:
    """Check that the pressed button's message is one of `message_ids`, or that the requester may delete it anyway.

    Raises:
        NotOwner: they may not: the button claimed to be on a message of theirs.
    """
    if interaction.message is None or interaction.message.id not in message_ids:
        requester.require_own(original_user_id(interaction))


async def delete_messages(interaction: discord.Interaction, message_ids: Iterable[int] = ()) -> None:
    """Delete the message with the pressed button, and those of `message_ids` that are not ephemeral.

    The interaction's own token reaches that one, a private one too; the others only the bot's own token reaches.
    """
    await interaction.response.defer()
    pressed = interaction.message
    others = [each for each in message_ids if pressed is None or each != pressed.id]
    left = [each for each in others if not await _delete(interaction, each)]
    try:
        await interaction.delete_original_response()
    except discord.NotFound:
        pass  # deleted already
    except discord.HTTPException as failure:
        logger.warning("message not deleted", extra={"status": failure.status, "discord_code": failure.code})
        left.append(0)
    except Exception as failure:
        # discord.py lets the network's errors through, which have nothing in common.
        logger.warning("message not deleted", extra={"error": type(failure).__name__})
        left.append(0)
    if left:
        await interaction.followup.send(render(texts.some_messages_left()), ephemeral=True)


async def _delete(interaction: discord.Interaction, message_id: int) -> bool:
    """Delete a message; return whether it is gone."""
    channel = interaction.client.get_partial_messageable(interaction.channel_id or 0, guild_id=interaction.guild_id)
    try:
        await channel.get_partial_message(message_id).delete()
    except discord.NotFound:
        return True
    except discord.HTTPException as failure:
        logger.warning(
            "message not deleted",
            extra={"channel": channel.id, "status": failure.status, "discord_code": failure.code},
        )
        return False
    except Exception as failure:
        # As above.
        logger.warning("message not deleted", extra={"channel": channel.id, "error": type(failure).__name__})
        return False
    return True


HISTORY_LIMIT: Final = 100
"""Far more messages than are written in a channel within an answer."""

Message = dict[str, Any]  # Any: Discord's JSON


async def messages_after(http: discord.http.HTTPClient, channel_id: int, after: int) -> list[Message]:
    """Return the messages right after an id in a channel, the oldest first."""
    found = [dict(each) for each in await http.logs_from(channel_id, limit=HISTORY_LIMIT, after=after)]
    return sorted(found, key=lambda message: int(message["id"]))


def messages_of_interaction(messages: Iterable[Message], interaction_id: int) -> list[Message]:
    """Return those that answer an interaction."""
    wanted = str(interaction_id)
    return [each for each in messages if (each.get("interaction_metadata") or {}).get("id") == wanted]
