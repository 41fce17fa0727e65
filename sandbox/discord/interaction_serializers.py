"""Interactions as JSON: the INTERACTION_CREATE event, and the metadata of response messages."""

from sandbox.discord import serializers
from sandbox.discord.interactions import Interaction, InteractionType
from sandbox.discord.state import DiscordState
from sandbox.json_object import Json

GUILD_CONTEXT, DIRECT_CONTEXT = 0, 1


def interaction_event(interaction: Interaction, state: DiscordState) -> Json:
    """Return the data of INTERACTION_CREATE.

    https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object
    """
    channel, user = interaction.channel, interaction.user
    permissions = state.permissions(user, channel)
    body: Json = {
        "id": str(interaction.id),
        "application_id": str(state.application_id),
        "type": int(interaction.type),
        "data": interaction.data,
        "token": interaction.token,
        "version": 1,
        "channel_id": str(channel.id),
        "channel": serializers.channel(channel, state) | {"permissions": str(int(permissions))},
        "app_permissions": str(int(state.permissions(state.bot, channel))),
        "locale": user.locale,
        "entitlements": [],
        "entitlement_sku_ids": [],
        "authorizing_integration_owners": {"0": str(channel.guild_id or 0)},
        "context": DIRECT_CONTEXT if channel.is_direct else GUILD_CONTEXT,
        "attachment_size_limit": state.attachment_size_limit,
    }
    if interaction.message is not None:
        body["message"] = serializers.message(interaction.message, state)
    guild = state.guild_of(channel)
    if guild is None:
        return body | {"user": serializers.user(user)}
    return body | {
        "guild_id": str(guild.id),
        "guild_locale": guild.locale,
        "guild": {"id": str(guild.id), "features": [], "locale": guild.locale},
        "member": serializers.member(guild.members[user.id]) | {"permissions": str(int(permissions))},
    }


def interaction_metadata(interaction: Interaction) -> Json:
    """Return the metadata of the interaction that a message responds to.

    https://discord.com/developers/docs/resources/message#message-interaction-metadata-object
    """
    body: Json = {
        "id": str(interaction.id),
        "type": int(interaction.type),
        "user": serializers.user(interaction.user),
        "authorizing_integration_owners": {"0": str(interaction.channel.guild_id or 0)},
    }
    if interaction.type is InteractionType.COMPONENT and interaction.message is not None:
        body["interacted_message_id"] = str(interaction.message.id)
    if interaction.opened_by is not None:
        body["triggering_interaction_metadata"] = interaction_metadata(interaction.opened_by)
    return body
