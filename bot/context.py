"""Who asks, where, and with which permissions: plain values in place of an interaction."""

from dataclasses import dataclass, field
from enum import StrEnum

from bot.errors import MissingPermission, NotInGuild, NotOwner


class Permission(StrEnum):
    """The Discord permissions that the bot's own commands ask for."""

    MANAGE_CHANNELS = "Manage Channels"
    MANAGE_SERVER = "Manage Server"
    MANAGE_MESSAGES = "Manage Messages"
    READ_MESSAGE_HISTORY = "Read Message History"
    MOVE_MEMBERS = "Move Members"


@dataclass(frozen=True, slots=True)
class RequestContext:
    """A member at the moment of a request.

    `channel_id` is the channel, thread or direct message of the conversation. `settings_channel_id` is where its
    settings and limits are: the parent of a thread, else the same channel. `guild_id` is None in direct messages.
    The names are what people chose: data, never part of an instruction; empty where there is none.
    `role_ids` are the member's roles, with the one that everyone has: its id is the guild's. `asked_at_ms` is when
    they asked, by Discord's clock, in milliseconds since 1970: the same for every process, to the millisecond.
    """

    user_id: int
    name: str
    guild_id: int | None
    channel_id: int
    settings_channel_id: int
    asked_at_ms: int
    permissions: frozenset[Permission] = field(default_factory=frozenset)
    guild_name: str = ""
    channel_name: str = ""
    role_ids: frozenset[int] = field(default_factory=frozenset)

    @property
    def parent_channel_id(self) -> int | None:
        """Return the channel of the thread that they are in; None outside of threads."""
        return None if self.settings_channel_id == self.channel_id else self.settings_channel_id

    @property
    def in_direct_message(self) -> bool:
        """Return whether this is a conversation of two, outside any server."""
        return self.guild_id is None

    def can(self, permission: Permission) -> bool:
        """Return whether the requester holds `permission` here; in a direct message the member holds every one."""
        return self.in_direct_message or permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Check that the requester holds `permission` here, at the moment when what takes it is carried out.

        Raises:
            MissingPermission: they don't.
        """
        if not self.can(permission):
            raise MissingPermission(permission)

    def require_guild(self) -> int:
        """Return the id of the requester's guild.

        Raises:
            NotInGuild: there is none.
        """
        if self.guild_id is None:
            raise NotInGuild
        return self.guild_id

    def require_in_guild(self, permission: Permission) -> int:
        """Return the id of the requester's guild, where they hold `permission`.

        Raises:
            MissingPermission: they don't.
            NotInGuild: there is no guild.
        """
        guild_id = self.require_guild()
        self.require(permission)
        return guild_id

    def require_own(self, original_user_id: int | None) -> None:
        """Check that the requester is the one who asked, or may manage messages here.

        Raises:
            NotOwner: they are not.
        """
        if self.user_id != original_user_id and not self.can(Permission.MANAGE_MESSAGES):
            raise NotOwner
