"""What goes away in Discord goes away here: deleted messages, threads and channels, and servers that were left."""

import discord
from discord.ext import commands

from bot.client import Bot
from bot.history.deletion import DeletionService
from bot.history.retention import GuildCleanup
from bot.inflight.cancellation_watcher import CancellationWatcher


class DeletionsCog(commands.Cog):
    """Listens to Discord for what is gone. Of ephemeral messages Discord tells nobody."""

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
        """Let go of what was said in a deleted message, and of what is still being said there."""
        self._watcher.on_messages_deleted([deleted.message_id])
        self._deletions.delete_messages([deleted.message_id])

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, deleted: discord.RawBulkMessageDeleteEvent) -> None:
        """Let go of what was said in messages that were deleted together."""
        self._watcher.on_messages_deleted(deleted.message_ids)
        self._deletions.delete_messages(deleted.message_ids)

    @commands.Cog.listener()
    async def on_raw_thread_delete(self, deleted: discord.RawThreadDeleteEvent) -> None:
        """Let go of what was said in a deleted thread."""
        self._watcher.on_channel_deleted(deleted.thread_id)
        self._deletions.delete_channel(deleted.thread_id)

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """Let go of what was said in a deleted channel and its threads."""
        self._watcher.on_channel_deleted(channel.id)
        self._deletions.delete_channel(channel.id)

    # Which servers there are is told anew with each session. discord.py's own list keeps those that were left while a
    # session was lost, so what came since is kept here.

    @commands.Cog.listener()
    async def on_shard_connect(self, shard_id: int) -> None:
        """Begin a new session's list of servers."""
        self._guild_ids_by_shard[shard_id] = set()

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Put a server on the list."""
        self._guild_ids_by_shard.setdefault(guild.shard_id, set()).add(guild.id)
        await self._guild_cleanup.record_available(guild.id)

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Put a server on the list, and keep what is kept of it."""
        self._guild_ids_by_shard.setdefault(guild.shard_id, set()).add(guild.id)
        await self._guild_cleanup.record_join(guild.id)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Take a server off the list and note when; not called for one that is merely unavailable."""
        self._guild_ids_by_shard.setdefault(guild.shard_id, set()).discard(guild.id)
        await self._guild_cleanup.record_leave(guild.id)

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Find out which servers were left while nobody listened."""
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
