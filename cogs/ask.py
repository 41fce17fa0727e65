"""/ask: a question and its streamed answer."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.catalogue import Catalogue, ModelKind
from bot.client import Bot
from bot.conversation.answering import Answering, Question
from bot.guilds.rules import GuildRules
from bot.quotas.lanes import Lanes
from bot.ui import choices
from bot.ui.callers import caller_of
from bot.ui.rooms import Rooms
from bot.ui.surfaces import InteractionSurface, acknowledge
from bot.ui.waiting import in_line


class Ask(commands.Cog):
    """Answers questions."""

    def __init__(
        self, answering: Answering, rules: GuildRules, catalogue: Catalogue, lanes: Lanes, rooms: Rooms
    ) -> None:
        self._answering = answering
        self._rules = rules
        self._catalogue = catalogue
        self._lanes = lanes
        self._rooms = rooms

    @app_commands.command()
    @app_commands.describe(
        prompt="What you want to know",
        model="Who should answer; this channel's model if left out",
        private="Only you see the answer, and only your private questions build on it",
        fresh="Begin anew, without what was said before",
    )
    async def ask(
        self,
        interaction: discord.Interaction,
        prompt: app_commands.Range[str, 1, 6000],
        model: app_commands.Range[str, 1, 100] | None = None,
        private: bool = False,
        fresh: bool = False,
    ) -> None:
        """Ask me anything and watch the answer appear."""
        caller = caller_of(interaction)
        chosen = await self._rules.model_for(caller, ModelKind.CHAT, model)
        persona = await self._rules.persona_for(caller)
        question = Question(prompt, chosen, persona, private=private, fresh=fresh)
        prepared = await self._answering.prepare(caller, question)
        async with prepared.reservation, self._lanes.ticket(caller) as ticket:
            await acknowledge(interaction, private=private)
            if await in_line(interaction, ticket):
                prepared = await self._answering.without_deleted(prepared)
            room = self._rooms.of(interaction.token)
            await self._answering.answer(prepared, InteractionSurface(interaction, room, private=private))

    @ask.autocomplete("model")
    async def _complete_model(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return choices.models(self._catalogue, ModelKind.CHAT, typed)


async def setup(bot: Bot) -> None:
    """Add the cog."""
    services = bot.services
    await bot.add_cog(Ask(services.answering, services.rules, services.catalogue, services.lanes, bot.rooms))
