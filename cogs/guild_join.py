"""Coming to a server: stay where the operator lets the bot serve, and say hello."""

import logging
from collections.abc import Mapping

import discord
from discord.ext import commands

from bot.client import Bot
from bot.clock import unix_ms
from bot.discord_ui.command_sync import format_command_mention
from bot.discord_ui.context import list_missing_permissions
from bot.errors import StoreUnavailable
from bot.guilds.access import AllowLists
from bot.inflight.registry import InFlightRegistry
from bot.messages import general as texts
from bot.messages.render import render

logger = logging.getLogger(__name__)


def find_welcome_channel(guild: discord.Guild) -> discord.TextChannel | None:
    """Return the first channel that the bot may write to, in the order in which members see them."""
    for channel in sorted(guild.text_channels, key=_list_position):
        resolved = channel.permissions_for(guild.me)
        if resolved.view_channel and resolved.send_messages:
            return channel
    return None


def welcome_text(guild: discord.Guild, ids: Mapping[str, int]) -> str:
    """Return the welcome; `ids` are those of the top-level commands."""

    def link(name: str) -> str:
        return format_command_mention(name, ids)

    missing = list_missing_permissions(guild.me.guild_permissions)
    lines = (
        texts.welcome(link("ask"), link("say"), link("draw"), link("help")),
        texts.lacks_permissions([texts.needed_permission(each) for each in missing])
        if missing
        else texts.has_all_permissions(),
        texts.welcome_admins(link("quota set"), link("server persona")),
    )
    return "\n".join(map(render, lines))


def _list_position(channel: discord.TextChannel) -> tuple[int, int, int]:
    """Return a sort key; channels without a category come first."""
    return (channel.category.position if channel.category else -1, channel.position, channel.id)


class GuildJoinCog(commands.Cog):
    """Welcomes servers, or leaves them."""

    def __init__(self, bot: Bot, allow_lists: AllowLists, inflight_registry: InFlightRegistry) -> None:
        self._bot = bot
        self._allow_lists = allow_lists
        self._leaving: set[int] = set()
        self._inflight_registry = inflight_registry

    @commands.Cog.listener()
    async def on_server_join(self, guild_id: int) -> None:
        """Leave a server that isn't served; greet any other, which happens once: at a start they are only available."""
        guild = self._bot.get_guild(guild_id)
        if guild is None or not await self._stays_in(guild):
            return
        logger.info("joined a server", extra={"guild": guild.id})
        channel = find_welcome_channel(guild)
        if channel is None:
            logger.info("no channel for the welcome", extra={"guild": guild.id})
            return
        if not await self._is_first(guild):
            return
        try:
            await channel.send(welcome_text(guild, self._bot.command_ids), silent=True)
        except discord.HTTPException as failure:
            logger.warning(
                "welcome not sent",
                extra={"guild": guild.id, "status": failure.status, "discord_code": failure.code},
            )

    async def _is_first(self, guild: discord.Guild) -> bool:
        """Return whether no other process has sent the welcome; a server that invites the bot again gets a new one."""
        came = guild.me.joined_at
        try:
            return await self._inflight_registry.claim(guild.id if came is None else guild.id ^ unix_ms(came))
        except StoreUnavailable as error:
            logger.warning("welcome skipped", extra={"guild": guild.id, "detail": str(error)})
            return False

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Leave a server that isn't served any more: it comes up at the start, and after an outage."""
        await self._stays_in(guild)

    async def _stays_in(self, guild: discord.Guild) -> bool:
        """Leave `guild` if the operator doesn't have the bot serve it; return whether it stays."""
        if self._allow_lists.serves_guild(guild.id):
            return True
        if guild.id in self._leaving or self._bot.get_guild(guild.id) is None:
            return False  # a server that is joined is available as well: once is enough
        self._leaving.add(guild.id)
        logger.warning("leaving a server that ALLOWED_GUILDS doesn't list", extra={"guild": guild.id})
        try:
            await guild.leave()
        except discord.HTTPException as failure:
            logger.warning(
                "server not left", extra={"guild": guild.id, "status": failure.status, "discord_code": failure.code}
            )
        finally:
            self._leaving.discard(guild.id)
        return False


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(GuildJoinCog(bot, bot.services.access.allow_lists, bot.services.inflight))
