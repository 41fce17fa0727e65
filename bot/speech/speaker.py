"""What the line asks of a voice channel: the port behind which Discord's voice is."""

from typing import Protocol


class Source(Protocol):
    """Opus packets of 20 ms (48 kHz, stereo), one a call."""

    def read(self) -> bytes:
        """Give the next packet, or nothing when there are no more. Called from a thread; never blocks."""
        ...


class Speaker(Protocol):
    """The bot's voice in one server."""

    async def speak(self, source: Source) -> None:
        """Play `source` to its end, also where the connection has to be made anew meanwhile.

        Raises:
            VoiceLost: it is gone for good, and nothing can be played any more.
        """
        ...
