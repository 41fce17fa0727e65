"""Users, roles, members, channels, voice states and guilds."""

from dataclasses import dataclass, field
from enum import IntEnum


class ChannelType(IntEnum):
    """The supported types of channel."""

    TEXT = 0
    DM = 1
    VOICE = 2
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12
    STAGE = 13


@dataclass(slots=True, eq=False)
class User:
    """A user account, a bot, or a webhook (an author that is in no guild)."""

    id: int
    username: str
    global_name: str | None = None
    bot: bool = False
    locale: str = "en-US"
    webhook: bool = False

    @property
    def name(self) -> str:
        """The name that others see."""
        return self.global_name or self.username


@dataclass(slots=True, eq=False)
class Role:
    """A role; `permissions` are bits of `Permission`."""

    id: int
    name: str
    permissions: int
    position: int = 0
    mentionable: bool = False
    bot_id: int | None = None


@dataclass(slots=True, eq=False)
class Member:
    """A user in a guild."""

    user: User
    joined_at: float
    role_ids: list[int] = field(default_factory=list)
    nick: str | None = None

    @property
    def name(self) -> str:
        """The name other members see."""
        return self.nick or self.user.name


@dataclass(frozen=True, slots=True)
class Overwrite:
    """A channel's permission overwrite for a role or member."""

    subject_id: int
    for_member: bool
    allow: int = 0
    deny: int = 0


@dataclass(slots=True, eq=False)
class Channel:
    """A text or voice channel, a thread, or a DM channel (`guild_id` None, one recipient besides the bot).

    `archived` threads are left out of GUILD_CREATE. A `user_limit` of 0 is none. `joined` has the members of a private
    thread and when they joined, in seconds since 1970.
    """

    id: int
    type: ChannelType
    name: str
    guild_id: int | None = None
    parent_id: int | None = None
    owner_id: int | None = None
    recipient: User | None = None
    nsfw: bool = False
    position: int = 0
    last_message_id: int | None = None
    archived: bool = False
    bitrate: int = 64_000
    user_limit: int = 0
    overwrites: dict[int, Overwrite] = field(default_factory=dict)
    joined: dict[int, float] = field(default_factory=dict)

    @property
    def is_thread(self) -> bool:
        """Whether it is a thread of another channel."""
        return self.type in (ChannelType.PUBLIC_THREAD, ChannelType.PRIVATE_THREAD)

    @property
    def is_direct(self) -> bool:
        """Whether it is a DM channel."""
        return self.type is ChannelType.DM

    @property
    def is_voice(self) -> bool:
        """Whether it is a voice or stage channel."""
        return self.type in (ChannelType.VOICE, ChannelType.STAGE)


@dataclass(slots=True, eq=False)
class VoiceState:
    """A user's voice channel, gateway session and voice flags.

    `suppress` is set for a stage's audience, and for users without the permission to speak.
    """

    user: User
    channel: Channel
    session_id: str
    self_mute: bool = False
    self_deaf: bool = False
    suppress: bool = False
    asked_to_speak_at: float | None = None


@dataclass(slots=True, eq=False)
class Guild:
    """A guild; its `roles` have @everyone under the guild's id. While `unavailable` it sends no events."""

    id: int
    name: str
    owner_id: int
    locale: str = "en-US"
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    unavailable: bool = False
    system_channel_id: int | None = None
    voice_states: dict[int, VoiceState] = field(default_factory=dict)

    def within(self, channel: Channel) -> list[VoiceState]:
        """Return the voice states in a channel, in the order of joining voice."""
        return [state for state in self.voice_states.values() if state.channel is channel]

    def channel(self, name: str) -> Channel:
        """Return the channel or thread of that name, with or without its `#`.

        Raises:
            KeyError: there is none.
        """
        bare = name.removeprefix("#")
        for channel in self.channels.values():
            if channel.name == bare:
                return channel
        raise KeyError(name)
