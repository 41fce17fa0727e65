"""Questions in messages: mentions of the bot, replies to it, and direct messages."""

import logging
from typing import Final

import discord
from discord.ext import commands

from bot.client import Bot
from bot.conversation.answering import Answering
from bot.conversation.question import Question
from bot.discord_ui.attachments import build_attachments
from bot.discord_ui.command_sync import format_command_mention
from bot.discord_ui.context import MessageableChannel, author_of
from bot.discord_ui.event_gate import EventGate
from bot.discord_ui.message_triggers import MessageTrigger, find_trigger
from bot.discord_ui.replies import CANNOT_WRITE, Replies, Reply, ReplyResponder
from bot.guilds.access import AccessPolicy
from bot.guilds.settings import GuildSettings
from bot.messages import answers as texts
from bot.messages.message import Message
from bot.request_runner import RequestRunner

DELETE_HINT_AFTER_S: Final = 60.0

logger = logging.getLogger(__name__)


class MentionsCog(commands.Cog):
    """Answers messages that are meant for the bot, as `/ask` answers."""

    def __init__(
        self,
        bot: Bot,
        answering: Answering,
        settings: GuildSettings,
        runner: RequestRunner,
        access_policy: AccessPolicy,
        gate: EventGate,
        replies: Replies,
    ) -> None:
        self._bot = bot
        self._answering = answering
        self._settings = settings
        self._runner = runner
        self._access_policy = access_policy
        self._gate = gate
        self._replies = replies

    @commands.Cog.listener()
    async def on_user_message(self, message: discord.Message) -> None:
        """Answer a message that is meant for the bot, once; ignore all others."""
        own = self._bot.user
        if own is None:
            return
        trigger = find_trigger(message, own.id)
        channel = None if trigger is None else await self._get_channel(message)
        if trigger is None or channel is None:
            return
        reply = self._replies.to(message, channel)
        asker_id = message.author.id
        if not await self._gate.admit_message(reply, application_id=own.id, channel_id=channel.id, member_id=asker_id):
            return
        responder = self._replies.respond(reply)
        try:
            await self._answer(reply, responder, trigger, channel)
        except Exception as error:
            # The same end as a command's: one sentence for the person, the details for the log.
            await responder.show_error(error)

    async def _answer(
        self, reply: Reply, responder: ReplyResponder, trigger: MessageTrigger, channel: MessageableChannel
    ) -> None:
        requester = author_of(reply.message, channel)
        self._access_policy.check_request(requester.user_id, requester.guild_id)
        if not reply.permissions.write:
            logger.info("may not write there", extra={"guild": requester.guild_id, "channel": requester.channel_id})
            await self._replies.errors.react(reply, CANNOT_WRITE)
            return
        files = build_attachments(reply.message.attachments)
        if trigger.unseen or not (trigger.text or files):
            await self._replies.errors.hint(reply, self._hint(trigger), DELETE_HINT_AFTER_S)
            return
        chosen = await self._settings.get_chat_settings(requester)
        question = Question(
            trigger.text,
            chosen.model,
            chosen.persona,
            reply_to=trigger.reply_to,
            quoted=trigger.quoted,
            attachments=files,
            message_id=reply.id,
            trigger=trigger.kind,
        )
        await self._runner.run(self._answering.answer(requester, question, reply.output), responder)

    async def _get_channel(self, message: discord.Message) -> MessageableChannel | None:
        """Return the channel of a message; one that is not in the cache is fetched."""
        channel: object = message.channel
        if isinstance(channel, discord.PartialMessageable):
            try:
                channel = await self._bot.fetch_channel(channel.id)  # a thread that was archived when the bot connected
            except discord.HTTPException as failure:
                logger.info("channel not found", extra={"channel": message.channel.id, "status": failure.status})
                return None
        return channel if isinstance(channel, discord.abc.GuildChannel | discord.Thread | discord.DMChannel) else None

    def _hint(self, trigger: MessageTrigger) -> Message:
        ask = format_command_mention("ask", self._bot.command_ids)
        own = self._bot.user
        mention = "me" if own is None else own.mention
        if trigger.unseen:
            return texts.unseen_reply(mention, ask)
        return texts.empty_message(ask)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    services = bot.services
    await bot.add_cog(
        MentionsCog(
            bot,
            services.answering,
            services.settings,
            services.request_runner,
            services.access,
            bot.event_gate,
            bot.replies,
        )
    )
