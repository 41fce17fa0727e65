"""A small discord.py bot for the sandbox's own tests: it repeats what it is told."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import discord
import pytest
from discord import app_commands
from discord.ext import commands
from discord.gateway import DiscordWebSocket
from yarl import URL

from sandbox.discord.server import DiscordServer


class EchoBot(commands.AutoShardedBot):
    """Repeats; knows `/say`, `/bird feed`, and listens to messages."""

    def __init__(self, **options: Any) -> None:
        intents = options.pop("intents", None) or discord.Intents(guilds=True, guild_messages=True, dm_messages=True)
        super().__init__(
            command_prefix=[],
            help_command=None,
            intents=intents,
            max_messages=None,
            guild_ready_timeout=0.05,
            **options,
        )
        self.heard: list[discord.Message] = []
        self.add_command_group()

    def add_command_group(self) -> None:
        bird = app_commands.Group(
            name="bird", description="The bird itself", default_permissions=discord.Permissions(manage_channels=True)
        )

        @bird.command(name="feed", description="Feed it")
        async def feed(interaction: discord.Interaction, seeds: app_commands.Range[int, 1, 10]) -> None:
            assert interaction.channel is not None
            where = f"{interaction.channel.id} {interaction.permissions.manage_channels}"
            await interaction.response.send_message(f"{seeds} seeds {where}", ephemeral=True)

        @self.tree.command(name="say", description="Say it after me")
        @app_commands.choices(tone=[app_commands.Choice(name="Loud", value="loud")])
        async def say(
            interaction: discord.Interaction,
            text: app_commands.Range[str, 1, 6000],
            tone: app_commands.Choice[str] | None = None,
            private: bool = False,
            song: str | None = None,
        ) -> None:
            await interaction.response.defer(thinking=True, ephemeral=private)
            await interaction.edit_original_response(content=text[:10])
            await interaction.edit_original_response(content=text)
            loud = discord.File(io.BytesIO(text.upper().encode()), "loud.txt", description="the same, louder")
            if tone is not None:
                await interaction.followup.send(f"song: {song}", file=loud, ephemeral=private)

        @say.autocomplete("song")
        async def songs(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
            return [app_commands.Choice(name=f"{current} {n}", value=f"{current}{n}") for n in range(3)]

        self.tree.add_command(bird)

    async def setup_hook(self) -> None:
        await self.tree.sync()

    async def on_message(self, message: discord.Message) -> None:
        self.heard.append(message)
        assert self.user is not None
        if message.author.id != self.user.id and self.user in message.mentions:
            await message.reply(f"You said {message.content}")


@asynccontextmanager
async def running(
    bot: commands.AutoShardedBot, discord_server: DiscordServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """Let a bot run against the sandbox, ready when entered."""
    monkeypatch.setattr(discord.http.Route, "BASE", discord_server.base_url)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", URL(discord_server.gateway.url))
    before = discord_server.gateway.readies
    task = asyncio.create_task(bot.start(discord_server.token))
    task.add_done_callback(lambda _: discord_server.traffic_log.changed.notify())
    try:
        await discord_server.traffic_log.changed.until(
            lambda: task.done() or discord_server.gateway.readies > before, deadline_s=10, what="READY"
        )
        if task.done():
            task.result()
        await bot.wait_until_ready()
        yield
    finally:
        await bot.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
