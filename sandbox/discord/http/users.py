"""Endpoints of users, DM channels, guilds and members."""

from collections.abc import Iterator

from sandbox.discord import serializers
from sandbox.discord.deletions import Deletions
from sandbox.discord.entities import Guild
from sandbox.discord.errors import bad_type, required, unknown_guild, unknown_member, unknown_user
from sandbox.discord.http.endpoints import NO_CONTENT, Endpoint, Request, Response
from sandbox.discord.state import DiscordState


class UserRoutes:
    """Endpoints under `/users` and `/guilds`."""

    def __init__(self, state: DiscordState, deletions: Deletions) -> None:
        self._state = state
        self._deletions = deletions

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints of this file."""
        yield Endpoint("GET", "/users/@me", self.get_own)
        yield Endpoint("POST", "/users/@me/channels", self.create_direct_channel)
        yield Endpoint("DELETE", "/users/@me/guilds/{guild_id}", self.leave_guild)
        yield Endpoint("GET", "/users/{user_id}", self.get_user)
        yield Endpoint("GET", "/guilds/{guild_id}", self.get_guild, major=("guild_id",))
        yield Endpoint("GET", "/guilds/{guild_id}/members/{user_id}", self.get_member, major=("guild_id",))

    async def get_own(self, request: Request) -> Response:
        """Return the bot's user."""
        del request
        return Response(200, serializers.own_user(self._state.bot))

    async def get_user(self, request: Request) -> Response:
        """Return a user."""
        user = self._state.users.get(request.id("user_id"))
        if user is None:
            raise unknown_user()
        return Response(200, serializers.user(user))

    async def create_direct_channel(self, request: Request) -> Response:
        """Return the DM channel with a user."""
        if not isinstance(request.body, dict):
            raise bad_type("", "a dictionary")
        wanted = request.body.get("recipient_id")
        if wanted is None:
            raise required("recipient_id")
        user = self._state.users.get(int(wanted)) if str(wanted).isdecimal() else None
        if user is None or user.bot:
            raise unknown_user()
        return Response(200, serializers.channel(self._state.get_dm_channel(user), self._state))

    async def leave_guild(self, request: Request) -> Response:
        """Leave a guild."""
        self._deletions.bot(self._guild(request))
        return NO_CONTENT

    async def get_guild(self, request: Request) -> Response:
        """Return a guild of the bot."""
        guild = self._guild(request)
        body = serializers.guild(guild)
        if request.flag("with_counts"):
            body |= {"approximate_member_count": len(guild.members), "approximate_presence_count": 1}
        return Response(200, body)

    async def get_member(self, request: Request) -> Response:
        """Return a member of a guild of the bot."""
        member = self._guild(request).members.get(request.id("user_id"))
        if member is None:
            raise unknown_member() if request.id("user_id") in self._state.users else unknown_user()
        return Response(200, serializers.member(member))

    def _guild(self, request: Request) -> Guild:
        guild = self._state.guilds.get(request.id("guild_id"))
        if guild is None or guild not in self._state.bot_guilds:
            raise unknown_guild()
        return guild
