"""Where the operator lets the bot serve, and whom."""

from collections.abc import Collection
from dataclasses import dataclass

from bot.errors import AccessDenied


@dataclass(frozen=True, slots=True)
class Doors:
    """The operator's word: `allowed_guilds` (empty: all), direct messages or not, and `blocked_users`."""

    allowed_guilds: Collection[int] = frozenset()
    allow_direct_messages: bool = True
    blocked_users: Collection[int] = frozenset()

    def serves(self, guild_id: int) -> bool:
        """Whether the bot may be in that server at all."""
        return not self.allowed_guilds or guild_id in self.allowed_guilds

    def check(self, user_id: int, guild_id: int | None) -> None:
        """Do nothing if the bot serves that person in that server, or in direct messages (None).

        Raises:
            AccessDenied: it doesn't.
        """
        if user_id in self.blocked_users:
            raise AccessDenied("blocked user", sentence="I can't do that for you.")
        if guild_id is None:
            if not self.allow_direct_messages:
                raise AccessDenied(
                    "direct messages are off", sentence="I only work in servers, not in direct messages."
                )
        elif not self.serves(guild_id):
            raise AccessDenied("server not allowed", sentence="I don't work in this server.")
