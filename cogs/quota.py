"""/quota: the limits that moderators set for their server."""

from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.discord_ui.context import requester_of
from bot.discord_ui.paging import show_privately
from bot.discord_ui.text import quotas
from bot.discord_ui.tree import READS
from bot.errors import InvalidOption
from bot.guilds.quota_settings import QuotaSettings, Target
from bot.messages.message import plain
from bot.quotas.limits import Kind, Period, Scope

Scopes = Literal["server", "channel", "member", "role"]
Kinds = Literal["messages", "tokens", "speech_characters", "images"]
Periods = Literal["hour", "day", "month"]
AnyChannel = app_commands.AppCommandChannel | app_commands.AppCommandThread


class _AnyChannelTransformer(app_commands.Transformer):
    """Offers channels of every type, by naming none: discord.py's own list has one that Discord's description lacks."""

    @property
    def type(self) -> discord.AppCommandOptionType:
        """The option is a channel."""
        return discord.AppCommandOptionType.channel

    async def transform(self, _: discord.Interaction, value: AnyChannel, /) -> AnyChannel:
        """Return the channel as Discord resolved it."""
        return value


ChannelOption = app_commands.Transform[AnyChannel, _AnyChannelTransformer]

_ABOUT = {
    "scope": "Who shares it: the whole server, a channel, a member, or a member who bears a role",
    "kind": "What is limited",
    "per": "For how long it is, by the UTC calendar",
    "target_channel": "Which channel; each one separately if left out",
    "target_member": "Which member; each one separately if left out",
    "target_role": "Which role; needed for the scope role",
}


@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
@app_commands.default_permissions(manage_guild=True)
class QuotaCog(commands.GroupCog, group_name="quota", group_description="Limit what is used in this server"):
    """Limits of one server; the operator's always hold beside them."""

    def __init__(self, quotas: QuotaSettings) -> None:
        self._quotas = quotas

    @app_commands.command()
    @app_commands.describe(**_ABOUT, limit="How much: a whole number, or unlimited")
    async def set(
        self,
        interaction: discord.Interaction,
        scope: Scopes,
        kind: Kinds,
        limit: app_commands.Range[str, 1, 32],
        per: Periods,
        target_channel: ChannelOption | None = None,
        target_member: discord.User | None = None,
        target_role: discord.Role | None = None,
    ) -> None:
        """Limit messages, tokens, speech or images for the server, a channel, a member or a role."""
        target = _target(target_channel, target_member, target_role)
        change = await self._quotas.set(requester_of(interaction), Scope(scope), Kind(kind), Period(per), limit, target)
        await interaction.response.send_message(quotas.after_setting(change), ephemeral=True)

    @app_commands.command()
    @app_commands.describe(**_ABOUT)
    async def clear(
        self,
        interaction: discord.Interaction,
        scope: Scopes,
        kind: Kinds,
        per: Periods,
        target_channel: ChannelOption | None = None,
        target_member: discord.User | None = None,
        target_role: discord.Role | None = None,
    ) -> None:
        """Take a limit back."""
        target = _target(target_channel, target_member, target_role)
        change = await self._quotas.clear(requester_of(interaction), Scope(scope), Kind(kind), Period(per), target)
        text = "There is no such limit. `/quota list` shows those that there are."
        if change is not None:
            text = quotas.after_clearing(change)
        await interaction.response.send_message(text, ephemeral=True)

    @app_commands.command(name="list", extras={READS: True})
    async def show(self, interaction: discord.Interaction) -> None:
        """See all limits of this server, the operator's among them."""
        await show_privately(interaction, quotas.listing(await self._quotas.list(requester_of(interaction))))


def _target(channel: AnyChannel | None, member: discord.abc.User | None, role: discord.Role | None) -> Target:
    """Read the three options; a thread counts as the channel it hangs under."""
    if channel is not None and channel.type is discord.ChannelType.category:
        raise InvalidOption(
            "a category", message=plain("A category is no place to write in. Choose a channel, or leave it out.")
        )
    return Target(
        channel_id=channel.parent_id if isinstance(channel, app_commands.AppCommandThread) else _id(channel),
        member_id=_id(member),
        role_id=_id(role),
    )


def _id(named: discord.abc.Snowflake | None) -> int | None:
    return None if named is None else named.id


async def setup(bot: Bot) -> None:
    """Add the cog."""
    await bot.add_cog(QuotaCog(bot.services.quotas))
