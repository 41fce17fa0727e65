"""Which messages are meant for the bot, and what they ask."""

import re
from dataclasses import dataclass
from enum import StrEnum

import discord

from bot.conversation.prompt import QuotedMessage


class TriggerKind(StrEnum):
    """How a message came to be meant for the bot."""

    DIRECT = "direct"
    MENTION = "mention"
    REPLY = "reply"


@dataclass(frozen=True, slots=True)
class MessageTrigger:
    """A message that is meant for the bot.

    `text` is what it says, less the mention. `reply_to` is the message that it is a reply to, and `quoted` what that
    one says, where Discord shows it to the bot. `unseen`: Discord keeps from the bot what it says, since it is a reply
    that doesn't mention it.
    """

    kind: TriggerKind
    text: str
    reply_to: int | None = None
    quoted: QuotedMessage | None = None
    unseen: bool = False


def find_trigger(message: discord.Message, bot_id: int) -> MessageTrigger | None:
    """Return what `message` asks of the bot; None where it isn't meant for it.

    Mentions count by Discord's own list of them, in which neither `@everyone` nor roles are. Bots and webhooks never
    come here (`Bot.on_message`); system messages (a member joined, a message was pinned, …) are never answered.
    """
    if message.type not in _WRITTEN_BY_PEOPLE:
        return None
    kind = _find_kind(message, bot_id)
    if kind is None:
        return None
    replied = _replied_message(message)
    shown = message.content or message.attachments or _mentions(message, bot_id)
    return MessageTrigger(
        kind,
        _without_mention(message.content, bot_id),
        message.reference.message_id if message.reference is not None and _is_reply(message) else None,
        None if replied is None else build_quoted_message(replied),
        unseen=kind is TriggerKind.REPLY and not shown,
    )


def _find_kind(message: discord.Message, bot_id: int) -> TriggerKind | None:
    if isinstance(message.channel, discord.DMChannel):
        return TriggerKind.DIRECT
    if message.guild is None:
        return None
    replied = _replied_message(message)
    if replied is not None and replied.author.id == bot_id:
        return TriggerKind.REPLY
    return TriggerKind.MENTION if _mentions(message, bot_id) else None


def _mentions(message: discord.Message, user_id: int) -> bool:
    return any(user.id == user_id for user in message.mentions)


def build_quoted_message(message: discord.Message) -> QuotedMessage | None:
    """Return a message's text, its embeds' too, for a question about it; None where it has none."""
    embeds = (text for embed in message.embeds for text in (embed.title, embed.description) if text)
    text = "\n".join(filter(None, (message.content, *embeds)))
    return QuotedMessage(message.id, message.author.display_name, text) if text else None


_WRITTEN_BY_PEOPLE = (discord.MessageType.default, discord.MessageType.reply)


def _is_reply(message: discord.Message) -> bool:
    return message.reference is not None and message.reference.type is discord.MessageReferenceType.reply


def _replied_message(message: discord.Message) -> discord.Message | None:
    """Return the message that `message` is a reply to, if Discord sent it along."""
    if message.reference is None or not _is_reply(message):
        return None
    resolved = message.reference.resolved
    return resolved if isinstance(resolved, discord.Message) else None


def _without_mention(content: str, bot_id: int) -> str:
    return re.sub(rf"(?<![^\S\n])[^\S\n]*<@!?{bot_id}>", "", content).strip()
