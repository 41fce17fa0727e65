"""Who is let in: asked of every command, button, form and list of choices before anything else is done."""

from bot.guilds.doors import Doors
from bot.quotas.pace import Pace


class Admission:
    """Where and whom the bot serves, and how quickly one after another."""

    def __init__(self, doors: Doors, pace: Pace) -> None:
        self.doors = doors
        self._pace = pace

    def check(self, user_id: int, guild_id: int | None) -> None:
        """Let somebody have choices offered; those come with every letter, so they are not counted.

        Raises:
            AccessDenied: the bot doesn't serve them there.
        """
        self.doors.check(user_id, guild_id)

    def check_call(self, user_id: int, guild_id: int | None) -> None:
        """Let somebody use a command, press a button or send a form, and count that.

        Raises:
            AccessDenied: the bot doesn't serve them there.
            UserRateLimited: they were too quick.
        """
        self.doors.check(user_id, guild_id)
        self._pace.call(user_id)
