"""Deletes what is stored of deleted messages, threads and channels, and of servers that were left."""

import discord
from discord.ext import commands

from bot.client import Bot
from bot.history.deletion import DeletionService
from bot.history.guild_cleanup import GuildCleanup
from bot.inflight.cancellation import CancellationWatcher


class DeletionsCog(commands.Cog):
    """Listens for deletions. Discord sends no event for ephemeral messages."""

    def __init__(
        self, bot: Bot, deletions: DeletionService, guild_cleanup: GuildCleanup, watcher: CancellationWatcher
    ) -> None:
        self._bot = bot
        self._deletions = deletions
        self._watcher = watcher
        self._guild_cleanup = guild_cleanup
        self._guild_ids_by_shard: dict[int, set[int]] = {}

    @commands.Cog.listener()
    async def on_raw_message_delete(self, deleted: discord.RawMessageDeleteEvent) -> None:
        """Delete the turn of a deleted message, and cancel an answer that is being written there."""
        self._watcher.on_messages_deleted([deleted.message_id])
        self._deletions.delete_messages([deleted.message_id])

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, deleted: discord.RawBulkMessageDeleteEvent) -> None:
        """Delete the turns of messages that were deleted together."""
        self._watcher.on_messages_deleted(deleted.message_ids)
        self._deletions.delete_messages(deleted.message_ids)

    @commands.Cog.listener()
    async def on_raw_thread_delete(self, deleted: discord.RawThreadDeleteEvent) -> None:
        """Delete the turns of a deleted thread."""
        self._watcher.on_channel_deleted(deleted.thread_id)
        self._deletions.delete_channel(deleted.thread_id)

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """Delete the turns of a deleted channel and its threads."""
        self._watcher.on_channel_deleted(channel.id)
        self._deletions.delete_channel(channel.id)

    # Discord lists the servers with each new session. discord.py's own list keeps those that were left while a
    # session was lost, so what came since is kept here.

    @commands.Cog.listener()
    async def on_shard_connect(self, shard_id: int) -> None:
        """Begin a new session's list of servers."""
        self._guild_ids_by_shard[shard_id] = set()

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Add a server to the list."""
        self._guild_ids_by_shard.setdefault(guild.shard_id, set()).add(guild.id)
        await self._guild_cleanup.record_available(guild.id)

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Add a server to the list, and keep what is stored of it."""
        self._guild_ids_by_shard.setdefault(guild.shard_id, set()).add(guild.id)
        await self._guild_cleanup.record_join(guild.id)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Remove a server from the list and record when; not called for one that is merely unavailable."""
        self._guild_ids_by_shard.setdefault(guild.shard_id, set()).discard(guild.id)
        await self._guild_cleanup.record_leave(guild.id)

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Find the servers that were left while the bot was offline."""
        guild_ids = {guild.id for guild in self._bot.guilds if guild.unavailable}.union(
            *self._guild_ids_by_shard.values()
        )
        await self._guild_cleanup.compare(guild_ids, self._is_ours)

    def _is_ours(self, guild_id: int) -> bool:
        return (guild_id >> 22) % (self._bot.shard_count or 1) in self._bot.shards


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(
        DeletionsCog(bot, bot.services.deletions, bot.services.guild_cleanup, bot.services.inflight.watcher)
    )
