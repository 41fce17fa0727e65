"""What discord.py plays: packets from the line, each until it was sent, over as many connections as it takes."""

import discord

from bot.audio.opus_stream import OpusStream
from bot.clock import Clock


class PacketSource(discord.AudioSource):
    """Passes packets on from `source`; one that a broken connection had taken and not sent comes again."""

    def __init__(self, source: OpusStream, clock: Clock) -> None:
        self.ended = False
        """Whether the source gave its last packet, and it was sent."""
        self.last_sent_at = clock.monotonic()
        """When, in monotonic seconds, its last packet was sent, or it was made."""
        self._source = source
        self._clock = clock
        self._unsent = b""

    def read(self) -> bytes:
        """Give the packet that is next to be sent, or nothing at the end; discord.py's player thread calls this."""
        if not self._unsent:
            self._unsent = self._source.read()
            self.ended = not self._unsent
        return self._unsent

    def is_opus(self) -> bool:
        """Tell discord.py that there is nothing to encode."""
        return True

    def sent(self, packet: bytes) -> None:
        """Take note that `packet` is on its way."""
        if packet is self._unsent:
            self._unsent = b""
            self.last_sent_at = self._clock.monotonic()
