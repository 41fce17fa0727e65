"""Endpoints of the bot's voice state."""

from collections.abc import Iterator
from datetime import datetime

from sandbox.discord import serializers
from sandbox.discord.entities import Guild, VoiceState
from sandbox.discord.errors import DiscordError, bad_type, invalid_form, missing_permissions, unknown_guild
from sandbox.discord.http.endpoints import NO_CONTENT, Endpoint, Request, Response
from sandbox.discord.permissions import Permission
from sandbox.discord.state import DiscordState
from sandbox.discord.voice.voice_states import VoiceStates

OWN = "/guilds/{guild_id}/voice-states/@me"


class VoiceRoutes:
    """Endpoints under `/guilds/{guild_id}/voice-states`."""

    def __init__(self, state: DiscordState, voice_states: VoiceStates) -> None:
        self._state = state
        self._voice_states = voice_states

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints of this file."""
        yield Endpoint("GET", OWN, self.get_own, major=("guild_id",))
        yield Endpoint("PATCH", OWN, self.change_own, major=("guild_id",))

    async def get_own(self, request: Request) -> Response:
        """Return the bot's voice state."""
        guild, voice_state = self._voice_state(request)
        return Response(200, serializers.voice_state(voice_state, guild))

    async def change_own(self, request: Request) -> Response:
        """Become a speaker or audience of a stage, or request to speak."""
        _, voice_state = self._voice_state(request)
        if not isinstance(request.body, dict):
            raise bad_type("", "a dictionary")
        suppress, asked_at = voice_state.suppress, voice_state.asked_to_speak_at
        held = self._state.permissions(self._state.bot, voice_state.channel)
        if isinstance(request.body.get("suppress"), bool):
            suppress = request.body["suppress"]
            if not suppress and not held & Permission.MUTE_MEMBERS:
                raise missing_permissions()
        if "request_to_speak_timestamp" in request.body:
            asked_at = _moment(request.body["request_to_speak_timestamp"])
            if asked_at is not None and not held & Permission.REQUEST_TO_SPEAK:
                raise missing_permissions()
        self._voice_states.set_suppress(voice_state, suppress=suppress, asked_at=asked_at)
        return NO_CONTENT

    def _voice_state(self, request: Request) -> tuple[Guild, VoiceState]:
        guild = self._state.guilds.get(request.id("guild_id"))
        if guild is None or guild not in self._state.bot_guilds:
            raise unknown_guild()
        voice_state = guild.voice_states.get(self._state.bot.id)
        if voice_state is None:
            raise DiscordError(404, 10065, "Unknown Voice State")
        return guild, voice_state


def _moment(text: object) -> float | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        raise invalid_form("request_to_speak_timestamp", "DATE_TIME_TYPE_PARSE", "Could not parse.") from None
