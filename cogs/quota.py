"""/quota: the limits that moderators set for their server."""

from collections.abc import Iterable
from itertools import groupby
from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Bot
from bot.discord_ui.context import requester_of
from bot.discord_ui.lists import show_privately
from bot.discord_ui.tree import READS
from bot.errors import InvalidOption
from bot.guilds.quota_settings import LimitChange, Listing, QuotaSettings, Target
from bot.messages import quotas as texts
from bot.messages.message import Message
from bot.messages.render import render
from bot.quotas.limit_messages import build_limit, format_role
from bot.store.quota_limits import Kind, Limit, Period, Scope

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
    "scope": "Who shares the limit: the server, a channel, a member, or a member with a role",
    "kind": "What is limited",
    "per": "The period, by the UTC calendar",
    "target_channel": "Which channel (default: each channel separately)",
    "target_member": "Which member (default: each member separately)",
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
        text = "\n".join(map(render, _list_after_setting(change, interaction.guild_id)))
        await interaction.response.send_message(text, ephemeral=True)

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
        """Remove a limit."""
        target = _target(target_channel, target_member, target_role)
        change = await self._quotas.clear(requester_of(interaction), Scope(scope), Kind(kind), Period(per), target)
        message = texts.no_such_limit()
        if change is not None:
            message = texts.limit_removed(
                *_get_target(change.changed, interaction.guild_id), build_limit(change.changed)
            )
        await interaction.response.send_message(render(message), ephemeral=True)

    @app_commands.command(name="list", extras={READS: True})
    async def show(self, interaction: discord.Interaction) -> None:
        """List all limits of this server, the operator's included."""
        listing = await self._quotas.list(requester_of(interaction))
        await show_privately(interaction, [render(line) for line in _list_lines(listing, interaction.guild_id)])


def _list_after_setting(change: LimitChange, guild_id: int | None) -> list[Message]:
    """Return what holds now, what was before, and what else applies to those without a limit."""
    limit = change.changed
    lines = [texts.limit_set(*_get_target(limit, guild_id), limit.kind.value, build_limit(limit), change.resets_at)]
    if change.before is not None:
        lines.append(texts.limit_before(build_limit(change.before)))
    if limit.max_amount is None:
        exempts = limit.scope is Scope.ROLE or (limit.scope is Scope.MEMBER and limit.target is not None)
        lines.append(texts.others_apply_to_exempt(limit.kind.value) if exempts else texts.others_apply())
    return lines


def _list_lines(listing: Listing, guild_id: int | None) -> list[Message]:
    """Return all limits of a server, a line for each target."""
    lines = [texts.list_heading() if listing.limits else texts.list_empty()]
    for _, group in groupby(listing.limits, key=lambda limit: (limit.scope, limit.target)):
        same = list(group)
        lines.append(texts.list_entry(*_get_target(same[0], guild_id), _build_limits(same)))
    lines.append(texts.list_operator_heading())
    lines.append(texts.list_operator_members(_build_limits(listing.operator.member_limits())))
    lines.append(texts.list_entry("server", "", _build_limits(listing.operator.server_limits())))
    lines.append(texts.list_resets(*(listing.resets_at[per] for per in (Period.HOUR, Period.DAY, Period.MONTH))))
    return lines


def _build_limits(limits: Iterable[Limit]) -> list[Message]:
    return [build_limit(limit) for limit in limits]


def _get_target(limit: Limit, guild_id: int | None) -> tuple[texts.Target, str]:
    """Return whom a limit of a guild is for, and the mention of a channel, member or role."""
    match limit.scope:
        case Scope.SERVER:
            return "server", ""
        case Scope.CHANNEL:
            return ("each_channel", "") if limit.target is None else ("channel", f"<#{limit.target}>")
        case Scope.ROLE:
            return "role", format_role(limit.target, guild_id)
        case Scope.MEMBER if limit.target is None:
            return "each_member", ""
        case Scope.MEMBER:
            return ("deleted_member", "") if limit.member_id is None else ("member", f"<@{limit.member_id}>")


def _target(channel: AnyChannel | None, member: discord.abc.User | None, role: discord.Role | None) -> Target:
    """Return the target of the three options; a thread counts as its parent channel."""
    if channel is not None and channel.type is discord.ChannelType.category:
        raise InvalidOption("a category", message=texts.target_is_category())
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
