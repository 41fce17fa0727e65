"""Discord's objects as JSON."""

from sandbox.discord import permissions
from sandbox.discord.entities import Channel, ChannelType, Guild, Member, Role, User, VoiceState
from sandbox.discord.messages import Attachment, Message
from sandbox.discord.snowflakes import format_timestamp, get_created_at
from sandbox.discord.state import DiscordState
from sandbox.discord.validation.components import assign_component_ids
from sandbox.json_object import Json

VERIFY_KEY = "0" * 64


def user(account: User) -> Json:
    """Return a user object."""
    body: Json = {
        "id": str(account.id),
        "username": account.username,
        "avatar": None,
        "discriminator": "0",
        "public_flags": 0,
        "flags": 0,
        "global_name": account.global_name,
        "primary_guild": None,
    }
    if account.bot:
        body["bot"] = True
    return body


def own_user(account: User) -> Json:
    """Return the bot's user object, as it sees itself."""
    return {
        **user(account),
        "mfa_enabled": False,
        "locale": account.locale,
        "verified": True,
        "email": None,
        "premium_type": 0,
    }


def application(state: DiscordState) -> Json:
    """Return the application object for its own bot."""
    return {
        "id": str(state.application_id),
        "name": state.bot.name,
        "icon": None,
        "description": "",
        "type": None,
        "bot": user(state.bot),
        "bot_public": True,
        "bot_require_code_grant": False,
        "integration_types_config": {"0": {}},
        "verify_key": VERIFY_KEY,
        "flags": _application_flags(state),
        "flags_new": str(_application_flags(state)),
        "redirect_uris": [],
        "interactions_endpoint_url": state.interactions_endpoint_url,
        "role_connections_verification_url": None,
        "owner": user(state.owner),
        "approximate_guild_count": len(state.bot_guilds),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": None,
        "eligible_oauth2_scopes": ["applications.commands", "bot"],
    }


def _application_flags(state: DiscordState) -> int:
    """Return the flags of the enabled privileged intents, as for a bot in few guilds."""
    intents = {1 << 8: 1 << 13, 1 << 1: 1 << 15, 1 << 15: 1 << 19}
    return sum(flag for intent, flag in intents.items() if state.privileged_intents & intent)


def role(of: Role) -> Json:
    """Return a role object."""
    return {
        "id": str(of.id),
        "name": of.name,
        "permissions": str(int(of.permissions)),
        "position": of.position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": of.bot_id is not None,
        "mentionable": of.mentionable,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
        **({"tags": {"bot_id": str(of.bot_id)}} if of.bot_id is not None else {}),
    }


def member(of: Member, *, with_user: bool = True) -> Json:
    """Return a guild member object."""
    body: Json = {
        "avatar": None,
        "banner": None,
        "communication_disabled_until": None,
        "flags": 0,
        "joined_at": format_timestamp(of.joined_at),
        "nick": of.nick,
        "pending": False,
        "premium_since": None,
        "roles": [str(role_id) for role_id in of.role_ids],
        "mute": False,
        "deaf": False,
    }
    return {**body, "user": user(of.user)} if with_user else body


def thread_member(of: Channel, user_id: int) -> Json:
    """Return a thread member object."""
    return {
        "id": str(of.id),
        "user_id": str(user_id),
        "join_timestamp": format_timestamp(of.joined[user_id]),
        "flags": 0,
    }


def channel(of: Channel, state: DiscordState) -> Json:
    """Return a channel object for a channel, thread or DM channel."""
    body: Json = {
        "id": str(of.id),
        "type": int(of.type),
        "last_message_id": None if of.last_message_id is None else str(of.last_message_id),
        "flags": 0,
        "last_pin_timestamp": None,
    }
    if of.is_direct:
        return {**body, "recipients": [] if of.recipient is None else [user(of.recipient)]}
    body |= {
        "guild_id": str(of.guild_id),
        "name": of.name,
        "parent_id": None if of.parent_id is None else str(of.parent_id),
        "rate_limit_per_user": 0,
    }
    return body | (_thread(of, state) if of.is_thread else _guild_channel(of))


def _thread(of: Channel, state: DiscordState) -> Json:
    """Return what a thread has beside the fields of every channel."""
    private = of.type is ChannelType.PRIVATE_THREAD
    count = len(state.messages.get(of.id, []))
    made = format_timestamp(get_created_at(of.id).timestamp())
    return {
        "owner_id": str(of.owner_id),
        "thread_metadata": {
            "archived": of.archived,
            "archive_timestamp": made,
            "auto_archive_duration": 1440,
            "locked": False,
            "create_timestamp": made,
            **({"invitable": True} if private else {}),
        },
        "message_count": count,
        "member_count": max(1, len(of.joined)),
        "total_message_sent": count,
        "applied_tags": [],
    }


def _guild_channel(of: Channel) -> Json:
    """Return what a guild's channel has beside the fields of every channel."""
    overwrites = [
        {
            "id": str(overwrite.subject_id),
            "type": int(overwrite.for_member),
            "allow": str(int(overwrite.allow)),
            "deny": str(int(overwrite.deny)),
        }
        for overwrite in of.overwrites.values()
    ]
    body: Json = {"position": of.position, "permission_overwrites": overwrites, "nsfw": of.nsfw}
    if of.is_voice:
        body |= {"bitrate": of.bitrate, "user_limit": of.user_limit, "rtc_region": None}
    return body if of.type is ChannelType.VOICE else {**body, "topic": None}


def guild(of: Guild) -> Json:
    """Return a guild object as in HTTP responses."""
    nothing = (
        "icon description home_header splash discovery_splash banner application_id afk_channel_id widget_channel_id "
        "max_presences vanity_url_code rules_channel_id safety_alerts_channel_id "
        "public_updates_channel_id incidents_data"
    )
    return {
        **dict.fromkeys(nothing.split()),
        "id": str(of.id),
        "name": of.name,
        "features": [],
        "owner_id": str(of.owner_id),
        "region": "deprecated",
        "afk_timeout": 300,
        "system_channel_id": None if of.system_channel_id is None else str(of.system_channel_id),
        "system_channel_flags": 0,
        "widget_enabled": False,
        "verification_level": 0,
        "roles": [role(each) for each in of.roles.values()],
        "default_message_notifications": 0,
        "mfa_level": 0,
        "explicit_content_filter": 0,
        "max_members": 500_000,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": of.locale,
        "premium_progress_bar_enabled": False,
        "nsfw": False,
        "nsfw_level": 0,
        "emojis": [],
        "stickers": [],
    }


def voice_state(of: VoiceState, guild: Guild, *, left: bool = False) -> Json:
    """Return a voice state object with its member; with `left` its channel is null."""
    asked_at = of.asked_to_speak_at
    return {
        "guild_id": str(guild.id),
        "channel_id": None if left else str(of.channel.id),
        "user_id": str(of.user.id),
        "member": member(guild.members[of.user.id]),
        "session_id": of.session_id,
        "deaf": False,
        "mute": False,
        "self_deaf": of.self_deaf,
        "self_mute": of.self_mute,
        "self_stream": False,
        "self_video": False,
        "suppress": of.suppress,
        "request_to_speak_timestamp": None if asked_at is None else format_timestamp(asked_at),
    }


def guild_create(of: Guild, state: DiscordState, *, voice: bool = True) -> Json:
    """Return the data of GUILD_CREATE; without the members intent only the bot and users in voice are its members.

    Args:
        voice: whether to include voice states, which need an intent of their own.
    """
    states = list(of.voice_states.values()) if voice else []
    there = {state.bot.id} | {voice_state.user.id for voice_state in states}
    visible = [
        each
        for each in of.channels.values()
        if permissions.get_channel_permissions(of, of.members[state.bot.id], each) & permissions.Permission.VIEW_CHANNEL
    ]
    return {
        **guild(of),
        "joined_at": format_timestamp(of.members[state.bot.id].joined_at),
        "large": False,
        "unavailable": False,
        "member_count": len(of.members),
        "voice_states": [
            {name: value for name, value in voice_state(each, of).items() if name not in ("guild_id", "member")}
            for each in states
        ],
        "members": [member(each) for each in of.members.values() if each.user.id in there],
        "channels": [channel(each, state) for each in of.channels.values() if not each.is_thread],
        "threads": [channel(each, state) for each in visible if each.is_thread and not each.archived],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def attachment(of: Attachment) -> Json:
    """Return an attachment object."""
    body: Json = {
        "id": str(of.id),
        "filename": of.filename,
        "size": of.size,
        "url": of.url,
        "proxy_url": of.url,
        "content_type": of.media_type,
    }
    if of.description is not None:
        body["description"] = of.description
    if of.width is not None and of.height is not None:
        body |= {"width": of.width, "height": of.height}
    if of.ephemeral:
        body["ephemeral"] = True
    return body


def message(of: Message, state: DiscordState, *, quoting: bool = True) -> Json:
    """Return a message object as in HTTP responses; `quoting` adds the message that it replies to."""
    body: Json = {
        "id": str(of.id),
        "channel_id": str(of.channel_id),
        "type": of.type,
        "author": user(of.author),
        "content": of.content,
        "timestamp": format_timestamp(of.created_at),
        "edited_timestamp": None if of.edited_at is None else format_timestamp(of.edited_at),
        "flags": int(of.flags),
        "attachments": [attachment(each) for each in of.attachments],
        "embeds": of.embeds,
        "components": assign_component_ids(of.components),
        "mentions": [user(state.users[each]) for each in sorted(of.mentions.users) if each in state.users],
        "mention_roles": [str(each) for each in sorted(of.mentions.roles)],
        "mention_everyone": of.mentions.everyone,
        "pinned": False,
        "tts": False,
    }
    if of.nonce is not None:
        body["nonce"] = of.nonce
    if of.author.webhook:
        body["webhook_id"] = str(of.author.id)
    if of.interaction_id is not None and of.invoker is not None:
        body |= _interaction(of, of.invoker, state)
    if of.reactions:
        body["reactions"] = [_reaction(emoji, who, state) for emoji, who in of.reactions.items()]
    if of.reply_to is not None:
        reference: Json = {"type": 0, "channel_id": str(of.channel_id), "message_id": str(of.reply_to)}
        body["message_reference"] = reference | ({"guild_id": str(of.guild_id)} if of.guild_id is not None else {})
        if quoting:
            target = state.message(of.channel_id, of.reply_to)
            body["referenced_message"] = None if target is None else message(target, state, quoting=False)
    return body


def _interaction(of: Message, invoker: User, state: DiscordState) -> Json:
    more: Json = {
        "application_id": str(state.application_id),
        "webhook_id": str(state.application_id),
        "interaction_metadata": of.interaction_metadata,
    }
    if of.command_name is not None:
        more["interaction"] = {
            "id": str(of.interaction_id),
            "type": 2,
            "name": of.command_name,
            "user": user(invoker),
        }
    return more


def _reaction(emoji: str, who: set[int], state: DiscordState) -> Json:
    return {
        "emoji": {"id": None, "name": emoji},
        "count": len(who),
        "count_details": {"burst": 0, "normal": len(who)},
        "burst_colors": [],
        "me_burst": False,
        "me": state.bot.id in who,
    }
