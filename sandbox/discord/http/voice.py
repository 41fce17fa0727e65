"""The bot's own state in a voice channel."""

from collections.abc import Iterator
from datetime import datetime

from sandbox.discord import serializers
from sandbox.discord.entities import Guild, VoiceState
from sandbox.discord.errors import Refused, bad_type, invalid_form, missing_permissions, unknown_guild
from sandbox.discord.http.endpoints import NO_CONTENT, Answer, Call, Endpoint
from sandbox.discord.permissions import Permission
from sandbox.discord.state import World
from sandbox.discord.voice.voice_states import Presence

OWN = "/guilds/{guild_id}/voice-states/@me"


class VoiceRoutes:
    """Endpoints under `/guilds/{guild_id}/voice-states`."""

    def __init__(self, world: World, presence: Presence) -> None:
        self._world = world
        self._presence = presence

    def endpoints(self) -> Iterator[Endpoint]:
        """Every endpoint of this file."""
        yield Endpoint("GET", OWN, self.get_own, major=("guild_id",))
        yield Endpoint("PATCH", OWN, self.change_own, major=("guild_id",))

    async def get_own(self, call: Call) -> Answer:
        """Where the bot is."""
        guild, state = self._state(call)
        return Answer(200, serializers.voice_state(state, guild))

    async def change_own(self, call: Call) -> Answer:
        """Come from a stage's audience to speak (or go back), or ask to be let."""
        _, state = self._state(call)
        if not isinstance(call.body, dict):
            raise bad_type("", "a dictionary")
        suppress, asked_at = state.suppress, state.asked_to_speak_at
        held = self._world.permissions(self._world.bot, state.channel)
        if isinstance(call.body.get("suppress"), bool):
            suppress = call.body["suppress"]
            if not suppress and not held & Permission.MUTE_MEMBERS:
                raise missing_permissions()
        if "request_to_speak_timestamp" in call.body:
            asked_at = _moment(call.body["request_to_speak_timestamp"])
            if asked_at is not None and not held & Permission.REQUEST_TO_SPEAK:
                raise missing_permissions()
        self._presence.allow_speaking(state, suppress=suppress, asked_at=asked_at)
        return NO_CONTENT

    def _state(self, call: Call) -> tuple[Guild, VoiceState]:
        guild = self._world.guilds.get(call.id("guild_id"))
        if guild is None or guild not in self._world.joined:
            raise unknown_guild()
        state = guild.voice_states.get(self._world.bot.id)
        if state is None:
            raise Refused(404, 10065, "Unknown Voice State")
        return guild, state


def _moment(text: object) -> float | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        raise invalid_form("request_to_speak_timestamp", "DATE_TIME_TYPE_PARSE", "Could not parse.") from None
