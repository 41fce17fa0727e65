"""What came with a question that is asked again: only its name is kept, but it may still be there in Discord."""

import logging

import discord

from bot.conversation import attachments
from bot.conversation.attachments import Attachment
from bot.conversation.prompt import QuotedMessage
from bot.discord_ui.attachments import enclosed
from bot.discord_ui.message_triggers import subject_of
from bot.errors import UserError
from bot.messages.message import plain
from bot.store.turns import Turn

log = logging.getLogger(__name__)


class NotThere(UserError):
    """A question was about something that cannot be had any more."""

    message = plain("I don't keep the files and messages that questions are about. Please ask again with them.")


async def recollected(
    interaction: discord.Interaction, turn: Turn
) -> tuple[QuotedMessage | None, tuple[Attachment, ...]]:
    """Give the message that a turn's question was about, and the files that came with it.

    Raises:
        NotThere: not all of that can be had.
    """
    if not turn.files and turn.about is None:
        return None, ()
    asking = await _message(interaction, turn.question_message_id)
    subject = None
    if turn.about is not None:
        replied = None if asking is None or asking.reference is None else asking.reference.resolved
        known = isinstance(replied, discord.Message) and replied.id == turn.about
        about = replied if known else await _message(interaction, turn.about)
        if isinstance(about, discord.Message):
            alone = QuotedMessage(about.id, about.author.display_name, "") if about.attachments else None
            subject, asking = subject_of(about) or alone, asking or about
    files = () if asking is None else attachments.usable(enclosed(asking.attachments))
    if tuple(each.name for each in files) != turn.files or (subject is None) != (turn.about is None):
        raise NotThere(f"turn {turn.id}")
    return subject, files


async def _message(interaction: discord.Interaction, message_id: int | None) -> discord.Message | None:
    """Fetch a message of the channel, as far as the bot may read it."""
    if message_id is None or interaction.channel_id is None:
        return None
    channel = interaction.client.get_partial_messageable(interaction.channel_id, guild_id=interaction.guild_id)
    try:
        return await channel.fetch_message(message_id)
    except discord.HTTPException as failure:
        log.info("a message not fetched", extra={"channel": channel.id, "status": failure.status})
        return None
