"""Discord's state: the bot's application, guilds, users, channels, and every message."""

import base64
import time
from collections.abc import Iterable

from sandbox.change_signal import ChangeSignal
from sandbox.discord.entities import Channel, ChannelType, Guild, Member, Overwrite, Role, User
from sandbox.discord.messages import Attachment, Message
from sandbox.discord.permissions import BOT, DIRECT_MESSAGE, EVERYONE, MODERATOR, get_channel_permissions
from sandbox.discord.snowflakes import Now, Snowflakes
from sandbox.discord.validation.message import DEFAULT_FILE_LIMIT


class DiscordState:
    """Holds and creates everything; does no network I/O.

    Args:
        now: returns the current time in seconds since 1970.
        attachment_size_limit: the largest file in bytes, for everyone.
        privileged_intents: the privileged intent bits enabled in the application's settings.
    """

    def __init__(
        self,
        *,
        now: Now = time.time,
        attachment_size_limit: int = DEFAULT_FILE_LIMIT,
        privileged_intents: int = 0,
    ) -> None:
        self.now = now
        self.attachment_size_limit = attachment_size_limit
        self.privileged_intents = privileged_intents
        self.interactions_endpoint_url: str | None = None
        """The portal's setting; with it interactions are no longer sent over the gateway."""
        self.clock_ahead_s = 0.0
        """How far the Date header of every response is ahead of the real time."""
        self.snowflakes = Snowflakes(now)
        self.changed = ChangeSignal()
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.direct: dict[int, Channel] = {}
        self.messages: dict[int, list[Message]] = {}
        self.attachments: dict[int, Attachment] = {}
        self.bot = self.add_user("Sandbox Bot", bot=True)
        self.application_id = self.bot.id
        self.owner = self.add_user("Owner")

    @property
    def token(self) -> str:
        """A token of the right shape for this application."""
        head = base64.b64encode(str(self.application_id).encode()).decode().rstrip("=")
        return f"{head}.Sandbx.sandbox-token-of-no-use-anywhere-else"

    # ------------------------------------------------------------------ creating

    def add_user(self, name: str, *, bot: bool = False, locale: str = "en-US") -> User:
        """Return a new user."""
        username = "".join(letter for letter in name.lower() if letter.isalnum()) or "someone"
        user = User(self.snowflakes.next(), username, name, bot, locale)
        self.users[user.id] = user
        return user

    def add_webhook(self, name: str) -> User:
        """Return a new webhook, as the author of its messages."""
        user = self.add_user(name, bot=True)
        user.webhook = True
        return user

    def add_guild(self, name: str, *, channels: Iterable[str] = ("general",)) -> Guild:
        """Return a new guild with the bot and its managed role."""
        guild = Guild(self.snowflakes.next(), name, self.owner.id)
        guild.roles[guild.id] = Role(guild.id, "@everyone", EVERYONE)
        self.guilds[guild.id] = guild
        self.add_member(guild, self.owner)
        role = self.add_role(guild, self.bot.name, BOT, bot_id=self.bot.id)
        self.add_member(guild, self.bot, roles=[role])
        for channel in channels:
            self.add_channel(guild, channel)
        return guild

    def add_role(
        self, guild: Guild, name: str, permissions: int, *, mentionable: bool = False, bot_id: int | None = None
    ) -> Role:
        """Return a new role above the existing ones."""
        role = Role(self.snowflakes.next(), name, permissions, len(guild.roles), mentionable, bot_id)
        guild.roles[role.id] = role
        return role

    def add_member(self, guild: Guild, user: User, *, roles: Iterable[Role] = (), nick: str | None = None) -> Member:
        """Return a new member of a guild."""
        member = Member(user, self.now(), [role.id for role in roles], nick)
        guild.members[user.id] = member
        return member

    def add_channel(
        self,
        guild: Guild,
        name: str,
        *,
        kind: ChannelType = ChannelType.TEXT,
        user_limit: int = 0,
        overwrites: Iterable[Overwrite] = (),
    ) -> Channel:
        """Return a new channel; `user_limit` is for voice channels, 0 for none."""
        channel = Channel(
            self.snowflakes.next(),
            kind,
            name.removeprefix("#"),
            guild.id,
            position=len(guild.channels),
            user_limit=user_limit,
            overwrites={overwrite.subject_id: overwrite for overwrite in overwrites},
        )
        guild.channels[channel.id] = channel
        return channel

    def add_thread(self, parent: Channel, name: str, owner: User) -> Channel:
        """Return a new public thread under a text channel."""
        if parent.guild_id is None:
            raise ValueError("a direct message has no threads")
        thread = Channel(
            self.snowflakes.next(), ChannelType.PUBLIC_THREAD, name, parent.guild_id, parent.id, owner_id=owner.id
        )
        self.guilds[parent.guild_id].channels[thread.id] = thread
        return thread

    def add_private_thread(self, parent: Channel, name: str, owner: User, *others: User) -> Channel:
        """Return a new private thread under a text channel, with its owner and others in it."""
        thread = self.add_thread(parent, name, owner)
        thread.type = ChannelType.PRIVATE_THREAD
        thread.joined = dict.fromkeys((user.id for user in (owner, *others)), self.now())
        return thread

    def get_dm_channel(self, user: User) -> Channel:
        """Return the DM channel of a user and the bot; it is created on first use."""
        for channel in self.direct.values():
            if channel.recipient is user:
                return channel
        channel = Channel(self.snowflakes.next(), ChannelType.DM, user.username, recipient=user)
        self.direct[channel.id] = channel
        return channel

    def populate(self) -> Guild:
        """Create and return the guild "Sandbox" with Ada, Ben, Cleo and Mo, and text and voice channels."""
        guild = self.add_guild("Sandbox", channels=("general", "random"))
        moderators = self.add_role(guild, "Moderators", int(MODERATOR), mentionable=True)
        for name in ("Ada", "Ben", "Cleo", "Mo"):
            user = self.add_user(name)
            self.add_member(guild, user, roles=[moderators] if name == "Mo" else [])
            self.get_dm_channel(user)
        self.add_thread(guild.channel("general"), "a thread", self.user("Ada"))
        self.add_channel(guild, "Lounge", kind=ChannelType.VOICE)
        self.add_channel(guild, "Other lounge", kind=ChannelType.VOICE)
        self.add_channel(guild, "Small room", kind=ChannelType.VOICE, user_limit=1)
        self.add_channel(guild, "Stage", kind=ChannelType.STAGE)
        return guild

    # ------------------------------------------------------------------ changing

    def overwrite(self, channel: Channel, subject: Role | Member, *, allow: int = 0, deny: int = 0) -> None:
        """Set the permission overwrite of a channel for a role or member."""
        if isinstance(subject, Role):
            channel.overwrites[subject.id] = Overwrite(subject.id, False, allow, deny)
        else:
            channel.overwrites[subject.user.id] = Overwrite(subject.user.id, True, allow, deny)

    # ------------------------------------------------------------------ finding

    @property
    def bot_guilds(self) -> list[Guild]:
        """The guilds that the bot is in."""
        return [guild for guild in self.guilds.values() if self.bot.id in guild.members]

    def reaches_bot(self, guild_id: int | None) -> bool:
        """Return whether the bot gets events from there: from DMs, and from available guilds that it is in."""
        guild = None if guild_id is None else self.guilds[guild_id]
        return guild is None or (self.bot.id in guild.members and not guild.unavailable)

    def user(self, name: str) -> User:
        """Return the user of that name.

        Raises:
            KeyError: there is none.
        """
        for user in self.users.values():
            if user.name.lower() == name.lower():
                return user
        raise KeyError(name)

    def guild(self, name: str = "Sandbox") -> Guild:
        """Return the guild of that name.

        Raises:
            KeyError: there is none.
        """
        for guild in self.guilds.values():
            if guild.name == name:
                return guild
        raise KeyError(name)

    def channel(self, channel_id: int) -> Channel | None:
        """Return the channel, thread or DM channel with that id."""
        if channel_id in self.direct:
            return self.direct[channel_id]
        for guild in self.guilds.values():
            if channel_id in guild.channels:
                return guild.channels[channel_id]
        return None

    def get_display_name(self, thing_id: int) -> str | None:
        """Return what a client shows in place of a mention of a channel, user or role."""
        if (channel := self.channel(thing_id)) is not None:
            return f"#{channel.name}"
        if thing_id in self.users:
            return f"@{self.users[thing_id].name}"
        roles = (guild.roles.get(thing_id) for guild in self.guilds.values())
        return next((f"@{role.name}" for role in roles if role is not None), None)

    def guild_of(self, channel: Channel) -> Guild | None:
        """Return the guild of a channel; None for a DM channel."""
        return None if channel.guild_id is None else self.guilds[channel.guild_id]

    def permissions(self, user: User, channel: Channel) -> int:
        """Return a user's permission bits in a channel; 0 for non-members."""
        guild = self.guild_of(channel)
        if guild is None:
            return int(DIRECT_MESSAGE) if user in (self.bot, channel.recipient) else 0
        member = guild.members.get(user.id)
        return 0 if member is None else get_channel_permissions(guild, member, channel)

    def message(self, channel_id: int, message_id: int) -> Message | None:
        """Return the message with that id, unless it was deleted."""
        for message in reversed(self.messages.get(channel_id, [])):
            if message.id == message_id:
                return None if message.deleted else message
        return None

    def list_visible_messages(self, user: User, channel: Channel) -> list[Message]:
        """Return the messages that a user sees in a channel, oldest first."""
        return [
            message
            for message in self.messages.get(channel.id, [])
            if not message.deleted and (not message.ephemeral or message.invoker is user)
        ]
