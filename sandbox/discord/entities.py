"""Who and what a world consists of: users, roles, members, channels, guilds."""

from dataclasses import dataclass, field
from enum import IntEnum


class ChannelType(IntEnum):
    """The kinds of channel the stand-in has."""

    TEXT = 0
    DM = 1
    VOICE = 2
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12
    STAGE = 13


@dataclass(slots=True, eq=False)
class User:
    """An account: a person, a bot, or a webhook, which is in no guild and posts all the same."""

    id: int
    username: str
    global_name: str | None = None
    bot: bool = False
    locale: str = "en-US"
    webhook: bool = False

    @property
    def name(self) -> str:
        """The name other people see."""
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
    """What a channel allows and denies one role or one member."""

    subject_id: int
    for_member: bool
    allow: int = 0
    deny: int = 0


@dataclass(slots=True, eq=False)
class Channel:
    """A text or voice channel, a thread, or a direct message (`guild_id` None, one recipient besides the bot).

    An `archived` thread is none of those that GUILD_CREATE brings. A `user_limit` of 0 is none. `joined` holds who is
    in a private thread, and since when.
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
        """Whether this hangs under another channel."""
        return self.type in (ChannelType.PUBLIC_THREAD, ChannelType.PRIVATE_THREAD)

    @property
    def is_direct(self) -> bool:
        """Whether this is a conversation of two."""
        return self.type is ChannelType.DM

    @property
    def is_voice(self) -> bool:
        """Whether people can be in here: a voice channel or a stage."""
        return self.type in (ChannelType.VOICE, ChannelType.STAGE)


@dataclass(slots=True, eq=False)
class VoiceState:
    """Where somebody is in voice, under which of their gateway sessions, and what they may do there.

    `suppress` says that they may not speak: a stage's audience, and who lacks the permission.
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
    """A server; its `roles` hold @everyone under the guild's own id. While `unavailable` nothing comes from it."""

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
        """Who is in a voice channel, in the order in which they came to be in voice."""
        return [state for state in self.voice_states.values() if state.channel is channel]

    def channel(self, name: str) -> Channel:
        """The channel or thread of that name, with or without its `#`.

        Raises:
            KeyError: there is none.
        """
        bare = name.removeprefix("#")
        for channel in self.channels.values():
            if channel.name == bare:
                return channel
        raise KeyError(name)
