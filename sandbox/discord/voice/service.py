"""Discord's voice side as tests and the console use it."""

import importlib.util
from collections.abc import Callable

from sandbox.change_signal import ChangeSignal
from sandbox.discord.entities import Guild
from sandbox.discord.gateway.gateway import Gateway
from sandbox.discord.state import DiscordState
from sandbox.discord.voice.call import Call, VoiceConnection
from sandbox.discord.voice.certificate import certificate
from sandbox.discord.voice.faults import VoiceFaults
from sandbox.discord.voice.protocol import VoiceCloseCode
from sandbox.discord.voice.recording import Recording
from sandbox.discord.voice.server import VoiceServer
from sandbox.discord.voice.voice_states import VoiceStates

NEEDED = ("av", "cryptography", "davey", "nacl")


def find_missing_packages() -> list[str]:
    """The packages without which there is no voice here."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


class VoiceService:
    """The voice server, who is in which channel, and what is heard there.

    While it was not started the channels are there and people come and go, but the bot's wish to enter is not answered.
    With `dave` sound is encrypted end to end, and people hear only what their own keys open.
    """

    def __init__(self, state: DiscordState, gateway: Gateway, *, dave: bool = False) -> None:
        self.changed = ChangeSignal()
        """Rung for every packet, and for every message on a voice websocket."""
        self.faults = VoiceFaults()
        """What goes wrong with the coming connections and datagrams."""
        self.server = VoiceServer(state, self.changed, self.faults, encrypts=dave)
        self.states = VoiceStates(state, gateway, self.server, self.faults)
        self._state = state
        self._gateway = gateway

    async def start(self) -> None:
        """Listen, and answer op 4 from here on."""
        await self.server.start(certificate().server_context())
        self._gateway.voice_state_handler = self.states

    async def close(self) -> None:
        """Cut every connection and stop listening."""
        self._gateway.voice_state_handler = None
        await self.server.close()

    # ------------------------------------------------------------------ what happens to the bot's call now

    def end(self, code: int | VoiceCloseCode, guild: Guild | str = "Sandbox") -> None:
        """Close the websocket of the bot's call with a code. After 4015 the call can be resumed, else it is over.

        The main gateway is not told: the bot is still seen in its channel. For a real kick there is `person.kicks_bot`.

        Raises:
            ValueError: there is no connection to close.
        """
        call, connection = self._connected(guild)
        if code == VoiceCloseCode.SERVER_CRASHED:
            connection.end(code)
        else:
            self.server.end(call.guild_id, code)

    def cut(self, guild: Guild | str = "Sandbox") -> None:
        """Cut the TCP connection of the bot's call without a word; the call can be resumed.

        Raises:
            ValueError: there is no connection to cut.
        """
        self._connected(guild)[1].cut()

    async def relocate_server(self, guild: Guild | str = "Sandbox") -> None:
        """Let another voice server, at another address, take over the bot's call.

        Raises:
            ValueError: the bot is in no voice channel there.
        """
        await self.server.relocate()
        self.states.renew(self._guild(guild))

    def admit_to_group(self, guild: Guild | str = "Sandbox") -> None:
        """Take a bot into its group that was kept waiting by `faults.hush("group")`.

        Raises:
            ValueError: it does not wait.
        """
        call = self.call(guild)
        if call is None or call.group is None or call.group.waiting is None:
            raise ValueError("the bot does not wait to be let into a group")
        self.server.let_in(call, call.group.waiting)

    def renew_group(self, guild: Guild | str = "Sandbox") -> None:
        """Have the group of the end-to-end encryption made anew, as Discord does when its members disagree.

        Raises:
            ValueError: there is none.
        """
        call = self.call(guild)
        if call is None or call.group is None:
            raise ValueError("the bot's call is not encrypted end to end")
        call.group.renew()

    def close_udp(self) -> None:
        """Close the UDP port: every datagram comes back as an error. `open_udp` ends it."""
        self.server.close_udp()

    async def open_udp(self) -> None:
        """Open the UDP port again."""
        await self.server.open_udp()

    # ------------------------------------------------------------------ what is heard

    def call(self, guild: Guild | str = "Sandbox") -> Call | None:
        """The bot's call in a guild; None while it has none."""
        return self.server.calls.get(self._guild(guild).id)

    def recording(self, guild: Guild | str = "Sandbox", *, since: int = 0) -> Recording:
        """What came from the bot in a guild so far, from the packet `since` on (a `len(heard)` of before)."""
        return self.server.record(self._guild(guild).id).recording(since)

    async def until(
        self,
        look: Callable[[Recording], bool],
        guild: Guild | str = "Sandbox",
        *,
        since: int = 0,
        deadline_s: float = 10.0,
        what: str = "the sound",
    ) -> Recording:
        """Wait until what was heard is as `look` wants it; looks after every packet and websocket message.

        Raises:
            TimeoutError: it was not in time.
        """

        def found() -> Recording | None:
            heard = self.recording(guild, since=since)
            return heard if look(heard) else None

        return await self.changed.until(found, deadline_s=deadline_s, what=what)

    def _connected(self, guild: Guild | str) -> tuple[Call, VoiceConnection]:
        call = self.call(guild)
        if call is None or call.connection is None:
            raise ValueError("the bot has no voice connection there")
        return call, call.connection

    def _guild(self, guild: Guild | str) -> Guild:
        return self._state.guild(guild) if isinstance(guild, str) else guild
