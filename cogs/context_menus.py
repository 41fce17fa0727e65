"""The menu of a message: ask about it, and have it read aloud."""

from dataclasses import dataclass
from typing import Final

import discord
from cachetools import LRUCache
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.conversation import attachments
from bot.conversation.attachments import Attachment
from bot.conversation.prompt import QuotedMessage
from bot.conversation.question import Question
from bot.discord_ui.attachments import build_attachments
from bot.discord_ui.components import parse_id
from bot.discord_ui.context import requester_of
from bot.discord_ui.interaction_requests import InteractionRequests
from bot.discord_ui.message_triggers import build_quoted_message
from bot.discord_ui.modals import Choice, Modals, get_choice
from bot.discord_ui.voice.audience import READ_BACK
from bot.discord_ui.voice.speech_commands import SpeechCommands
from bot.errors import InvalidOption
from bot.guilds.settings import GuildSettings
from bot.messages import answers as texts
from bot.messages.render import render
from bot.speech.sentence_stream import speakable_markdown

ASK: Final = "Ask about this"
READ: Final = "Read aloud"

QUESTION_MODAL: Final = "ask-about"
MAX_QUESTION_LENGTH: Final = 2000

_EVERYONE, _ME = "everyone", "me"

MAX_CHOSEN: Final = 1000
"""Chosen messages that are remembered."""


@dataclass(frozen=True, slots=True)
class ChosenMessage:
    """What a message says, and those of its files that can be used."""

    quoted: QuotedMessage
    files: tuple[Attachment, ...]


class ContextMenuCache:
    """Keeps who chose which message; the oldest are dropped."""

    def __init__(self) -> None:
        self._messages: LRUCache[tuple[int, int], ChosenMessage] = LRUCache(MAX_CHOSEN)

    def add(self, member_id: int, chosen: ChosenMessage) -> None:
        """Remember that this member chose it."""
        key = (member_id, chosen.quoted.message_id)
        self._messages[key] = chosen

    def get(self, member_id: int, message_id: int | None) -> ChosenMessage | None:
        """Return what the member chose: a message is not found by its id alone."""
        return None if message_id is None else self._messages.get((member_id, message_id))


class ContextMenusCog(commands.Cog):
    """What can be done with any message."""

    def __init__(
        self,
        bot: Bot,
        requests: InteractionRequests,
        settings: GuildSettings,
        modals: Modals,
        speech_commands: SpeechCommands,
    ) -> None:
        self._bot = bot
        self._requests = requests
        self._settings = settings
        self._modals = modals
        self._speech_commands = speech_commands
        self._cache = ContextMenuCache()
        modals.register(QUESTION_MODAL, self._answer, recognizes=self._recognizes)
        self._menus = [
            app_commands.ContextMenu(name=ASK, callback=self.ask_about),
            app_commands.ContextMenu(name=READ, callback=self.read_aloud),
        ]

    async def cog_load(self) -> None:
        """Add the entries, which discord.py doesn't find by itself in a cog."""
        for menu in self._menus:
            self._bot.tree.add_command(menu)

    async def cog_unload(self) -> None:
        """Remove the entries."""
        for menu in self._menus:
            self._bot.tree.remove_command(menu.name, type=menu.type)

    async def ask_about(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """Open a modal that asks what the member wants to know about a message."""
        files = attachments.select_usable(build_attachments(message.attachments))
        quoted = build_quoted_message(message)
        if quoted is None and not files:
            raise InvalidOption("an empty message", message=texts.nothing_to_read())
        quoted = quoted or QuotedMessage(message.id, message.author.display_name, "")
        self._cache.add(interaction.user.id, ChosenMessage(quoted, files))
        await self._modals.open(
            interaction,
            QUESTION_MODAL,
            title=render(texts.ask_form_title()),
            label=render(texts.ask_question_label()),
            text="",
            max_length=MAX_QUESTION_LENGTH,
            about=str(message.id),
            choice=None if interaction.guild_id is None else _build_visibility_choice(message),
        )

    async def _answer(self, interaction: discord.Interaction, text: str, about: str) -> None:
        chosen = self._cache.get(interaction.user.id, parse_id(about))
        if chosen is None:
            raise InvalidOption("an unknown message", message=texts.message_not_remembered(ASK))
        requester = requester_of(interaction)
        settings = await self._settings.get_chat_settings(requester)
        question = Question(
            text,
            settings.model,
            settings.persona,
            private=get_choice(interaction) == _ME,
            about=chosen.quoted,
            attachments=chosen.files,
            trigger="menu",
        )
        await self._requests.answer(interaction, requester, question)

    async def read_aloud(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """Send a message as an MP3, and say it where the member listens if all listeners may read it."""
        play = False if message.flags.ephemeral else None  # an ephemeral message is not played to others
        requester = requester_of(interaction)
        await self._speech_commands.say(
            interaction,
            requester,
            message.content,
            play=play,
            private=True,
            required=READ_BACK,
            to_speakable=speakable_markdown,
        )

    def _recognizes(self, interaction: discord.Interaction, about: str) -> bool:
        return self._cache.get(interaction.user.id, parse_id(about)) is not None


def _build_visibility_choice(message: discord.Message) -> Choice:
    """Return the choice of who sees the answer. By default, one about an ephemeral message is private."""
    options = {_EVERYONE: render(texts.visible_to_everyone()), _ME: render(texts.visible_to_me())}
    return Choice(render(texts.ask_visibility_label()), options, _ME if message.flags.ephemeral else _EVERYONE)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(ContextMenusCog(bot, bot.requests, bot.services.settings, bot.modals, bot.speech_commands))
