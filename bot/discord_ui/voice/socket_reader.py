"""The thread that reads a voice connection's UDP socket, with a bug of discord.py's fixed."""

from discord import voice_state


class SocketReader(voice_state.SocketReader):
    """The thread that reads a connection's UDP socket; it honours calls from before its thread ran.

    discord.py's (2.7.1) pauses itself when its thread begins, and forgets that it was stopped. On a busy machine that
    is after the connection has resumed it: the voice server's response to the IP discovery is then never read.
    """

    def run(self) -> None:
        """Read until stopped, while a callback is registered."""
        try:
            self._do_run()
        finally:
            self.stop()
            self._running.clear()
            self._callbacks.clear()
