"""Discord's voice side as tests and the console use it."""

import importlib.util
from collections.abc import Callable

from bot.sandbox.bell import Bell
from bot.sandbox.gateway import Gateway
from bot.sandbox.guilds import Guild
from bot.sandbox.voice.call import Call
from bot.sandbox.voice.certificate import certificate
from bot.sandbox.voice.heard import Heard
from bot.sandbox.voice.presence import Presence
from bot.sandbox.voice.server import VoiceServer
from bot.sandbox.world import World

NEEDED = ("av", "cryptography", "nacl")


def lacking() -> list[str]:
    """The packages without which there is no voice here."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


class VoiceSide:
    """The voice server, who is in which channel, and what is heard there.

    While it was not started the channels are there and people come and go, but the bot's wish to enter is not answered.
    """

    def __init__(self, world: World, gateway: Gateway) -> None:
        self.bell = Bell()
        """Rung for every packet, and for every message on a voice websocket."""
        self.server = VoiceServer(world, self.bell)
        self.presence = Presence(world, gateway, self.server)
        self._world = world
        self._gateway = gateway

    async def start(self) -> None:
        """Listen, and answer op 4 from here on."""
        await self.server.start(certificate().server_context())
        self._gateway.voice_door = self.presence

    async def close(self) -> None:
        """Cut every connection and stop listening."""
        self._gateway.voice_door = None
        await self.server.close()

    def call(self, guild: Guild | str = "Sandbox") -> Call | None:
        """The bot's call in a guild; None while it has none."""
        return self.server.calls.get(self._guild(guild).id)

    def heard(self, guild: Guild | str = "Sandbox", *, since: int = 0) -> Heard:
        """What came from the bot in a guild so far, from the packet `since` on (a `len(heard)` of before)."""
        return self.server.record(self._guild(guild).id).heard(since)

    async def until(
        self,
        look: Callable[[Heard], bool],
        guild: Guild | str = "Sandbox",
        *,
        since: int = 0,
        deadline_s: float = 10.0,
        what: str = "the sound",
    ) -> Heard:
        """Wait until what was heard is as `look` wants it; looks after every packet and websocket message.

        Raises:
            TimeoutError: it was not in time.
        """

        def found() -> Heard | None:
            heard = self.heard(guild, since=since)
            return heard if look(heard) else None

        return await self.bell.until(found, deadline_s=deadline_s, what=what)

    def _guild(self, guild: Guild | str) -> Guild:
        return self._world.guild(guild) if isinstance(guild, str) else guild
