"""The bot's own messages: recognised as the gateway reports them, found again, and deleted.

discord.py holds back the response to the request that empties a bucket, and a response can get lost; the gateway
reports the message all the same, with the nonce that it was sent with.
"""

import asyncio
import logging
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import discord

from bot.context import RequestContext
from bot.inflight.cancellation import CancellationToken, CancelReason
from bot.messages import answers as texts
from bot.messages.render import render
from bot.streaming.output import OutputDeleted

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
    return True


UNKNOWN_CHANNEL: Final = 10003
UNKNOWN_MESSAGE: Final = 10008


@contextmanager
def detecting_deletion(cancellation: CancellationToken) -> Iterator[None]:
    """Cancel the answer and raise OutputDeleted where Discord doesn't know a message any more."""
    try:
        yield
    except discord.NotFound as error:
        if error.code not in (UNKNOWN_CHANNEL, UNKNOWN_MESSAGE):
            raise
        cancellation.cancel(CancelReason.DELETED)
        raise OutputDeleted from error


def raise_if_deleted(cancellation: CancellationToken) -> None:
    """Do nothing unless the answer is deleted.

    Raises:
        OutputDeleted: it is.
    """
    if cancellation.reason is CancelReason.DELETED:
        raise OutputDeleted


class SentMessages:
    """Knows which of the messages that are waited for have arrived."""

    def __init__(self) -> None:
        self._awaited: weakref.WeakValueDictionary[str, asyncio.Future[int]] = weakref.WeakValueDictionary()

    def expect(self, nonce: str) -> asyncio.Future[int]:
        """Return what will hold the id of the message with that nonce; to be held for as long as it matters."""
        arrival = self._awaited.get(nonce)
        if arrival is None:
            arrival = self._awaited[nonce] = asyncio.get_running_loop().create_future()
        return arrival

    def confirm(self, message: discord.Message) -> None:
        """Record a message of the bot's own that the gateway reported."""
        arrival = self._awaited.get(str(message.nonce))
        if arrival is not None and not arrival.done():
            arrival.set_result(message.id)


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
