"""The bot's own account, its direct messages, and guilds."""

from collections.abc import Iterator

from sandbox.discord import serializers
from sandbox.discord.deletions import Removals
from sandbox.discord.entities import Guild
from sandbox.discord.errors import bad_type, required, unknown_guild, unknown_member, unknown_user
from sandbox.discord.http.endpoints import NO_CONTENT, Answer, Call, Endpoint
from sandbox.discord.state import World


class UserRoutes:
    """Endpoints under `/users` and `/guilds`."""

    def __init__(self, world: World, removals: Removals) -> None:
        self._world = world
        self._removals = removals

    def endpoints(self) -> Iterator[Endpoint]:
        """Every endpoint of this file."""
        yield Endpoint("GET", "/users/@me", self.get_own)
        yield Endpoint("POST", "/users/@me/channels", self.create_direct_channel)
        yield Endpoint("DELETE", "/users/@me/guilds/{guild_id}", self.leave_guild)
        yield Endpoint("GET", "/users/{user_id}", self.get_user)
        yield Endpoint("GET", "/guilds/{guild_id}", self.get_guild, major=("guild_id",))
        yield Endpoint("GET", "/guilds/{guild_id}/members/{user_id}", self.get_member, major=("guild_id",))

    async def get_own(self, call: Call) -> Answer:
        """The bot's account."""
        del call
        return Answer(200, serializers.own_user(self._world.bot))

    async def get_user(self, call: Call) -> Answer:
        """Somebody's account."""
        user = self._world.users.get(call.id("user_id"))
        if user is None:
            raise unknown_user()
        return Answer(200, serializers.user(user))

    async def create_direct_channel(self, call: Call) -> Answer:
        """The direct message channel with somebody."""
        if not isinstance(call.body, dict):
            raise bad_type("", "a dictionary")
        wanted = call.body.get("recipient_id")
        if wanted is None:
            raise required("recipient_id")
        user = self._world.users.get(int(wanted)) if str(wanted).isdecimal() else None
        if user is None or user.bot:
            raise unknown_user()
        return Answer(200, serializers.channel(self._world.direct_channel(user), self._world))

    async def leave_guild(self, call: Call) -> Answer:
        """Leave a guild."""
        self._removals.bot(self._guild(call))
        return NO_CONTENT

    async def get_guild(self, call: Call) -> Answer:
        """A guild the bot is in."""
        guild = self._guild(call)
        body = serializers.guild(guild)
        if call.flag("with_counts"):
            body |= {"approximate_member_count": len(guild.members), "approximate_presence_count": 1}
        return Answer(200, body)

    async def get_member(self, call: Call) -> Answer:
        """A member of a guild the bot is in."""
        member = self._guild(call).members.get(call.id("user_id"))
        if member is None:
            raise unknown_member() if call.id("user_id") in self._world.users else unknown_user()
        return Answer(200, serializers.member(member))

    def _guild(self, call: Call) -> Guild:
        guild = self._world.guilds.get(call.id("guild_id"))
        if guild is None or guild not in self._world.joined:
            raise unknown_guild()
        return guild
