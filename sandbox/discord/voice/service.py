"""Voice as tests and the console use it."""

import importlib.util
from collections.abc import Callable

from sandbox.change_signal import ChangeSignal
from sandbox.discord.entities import Guild
from sandbox.discord.gateway.gateway import Gateway
from sandbox.discord.state import DiscordState
from sandbox.discord.voice.call import Call, VoiceConnection
from sandbox.discord.voice.faults import VoiceFaults
from sandbox.discord.voice.protocol import VoiceCloseCode
from sandbox.discord.voice.recording import Recording
from sandbox.discord.voice.server import VoiceServer
from sandbox.discord.voice.tls import build_server_context
from sandbox.discord.voice.voice_states import VoiceStates

NEEDED = ("av", "cryptography", "davey", "nacl", "trustme")


def find_missing_packages() -> list[str]:
    """Return the packages that are missing for voice."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


class VoiceService:
    """The voice server, the voice states, and the recordings.

    Until it is started users can join and leave channels, but the bot's voice state updates are not answered. With
    `dave` audio is encrypted end to end, and users hear only what their own keys decrypt.
    """

    def __init__(self, state: DiscordState, gateway: Gateway, *, dave: bool = False) -> None:
        self.changed = ChangeSignal()
        """Notified for every packet and every message on a voice websocket."""
        self.faults = VoiceFaults()
        """What goes wrong on request with connections and datagrams."""
        self.server = VoiceServer(state, self.changed, self.faults, encrypts=dave)
        self.states = VoiceStates(state, gateway, self.server, self.faults)
        self._state = state
        self._gateway = gateway

    async def start(self) -> None:
        """Listen, and answer voice state updates (op 4)."""
        await self.server.start(build_server_context())
        self._gateway.voice_state_handler = self.states

    async def close(self) -> None:
        """Abort every connection and stop listening."""
        self._gateway.voice_state_handler = None
        await self.server.close()

    # ------------------------------------------------------------------ faults of the current call

    def end(self, code: int | VoiceCloseCode, guild: Guild | str = "Sandbox") -> None:
        """Close the websocket of the bot's call with a code. After 4015 the call can be resumed, else it is over.

        The voice states stay: the bot is still shown in its channel. A real disconnect is `ClientUser.kicks_bot`.

        Raises:
            ValueError: there is no connection to close.
        """
        call, connection = self._connected(guild)
        if code == VoiceCloseCode.SERVER_CRASHED:
            connection.end(code)
        else:
            self.server.end(call.guild_id, code)

    def abort(self, guild: Guild | str = "Sandbox") -> None:
        """Abort the TCP connection of the bot's call without a close frame; the call can be resumed.

        Raises:
            ValueError: there is no connection to abort.
        """
        self._connected(guild)[1].abort()

    async def relocate_server(self, guild: Guild | str = "Sandbox") -> None:
        """Move the bot's call to another voice server at another address.

        Raises:
            ValueError: the bot is in no voice channel there.
        """
        await self.server.relocate()
        self.states.replace_call(self._guild(guild))

    def admit_to_group(self, guild: Guild | str = "Sandbox") -> None:
        """Add the bot to its group after `faults.leave_unanswered("group")`.

        Raises:
            ValueError: it does not wait for that.
        """
        call = self.call(guild)
        if call is None or call.group is None or call.group.pending_key_package is None:
            raise ValueError("the bot does not wait to be added to a group")
        self.server.calls.add_bot_to_group(call, call.group.pending_key_package)

    def renew_group(self, guild: Guild | str = "Sandbox") -> None:
        """Start the group of the end-to-end encryption over, as Discord does when its members disagree.

        Raises:
            ValueError: there is no group.
        """
        call = self.call(guild)
        if call is None or call.group is None:
            raise ValueError("the bot's call is not encrypted end to end")
        call.group.renew()

    def close_udp(self) -> None:
        """Close the UDP port, so that every datagram is answered with an error, until `open_udp`."""
        self.server.close_udp()

    async def open_udp(self) -> None:
        """Open the UDP port again."""
        await self.server.open_udp()

    # ------------------------------------------------------------------ recordings

    def call(self, guild: Guild | str = "Sandbox") -> Call | None:
        """Return the bot's call in a guild."""
        return self.server.calls.get(self._guild(guild).id)

    def recording(self, guild: Guild | str = "Sandbox", *, since: int = 0) -> Recording:
        """Return the bot's audio in a guild so far, from packet `since` on (an earlier recording's `len`)."""
        return self.server.calls.get_recorder(self._guild(guild).id).recording(since)

    async def until(
        self,
        look: Callable[[Recording], bool],
        guild: Guild | str = "Sandbox",
        *,
        since: int = 0,
        deadline_s: float = 10.0,
        what: str = "the sound",
    ) -> Recording:
        """Wait until `look` accepts the recording; it is called after every packet and websocket message.

        Raises:
            TimeoutError: it did not within `deadline_s`.
        """

        def found() -> Recording | None:
            recording = self.recording(guild, since=since)
            return recording if look(recording) else None

        return await self.changed.until(found, deadline_s=deadline_s, what=what)

    def _connected(self, guild: Guild | str) -> tuple[Call, VoiceConnection]:
        call = self.call(guild)
        if call is None or call.connection is None:
            raise ValueError("the bot has no voice connection there")
        return call, call.connection

    def _guild(self, guild: Guild | str) -> Guild:
        return self._state.guild(guild) if isinstance(guild, str) else guild
