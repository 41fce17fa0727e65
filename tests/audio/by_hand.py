"""A pool whose turns a test takes by hand, so that what is read does not depend on how fast threads are."""

from bot.audio.clip import Clip
from bot.audio.opus_stream import OpusStream
from bot.audio.worker_pool import Work, WorkerPool


class ByHand(WorkerPool):
    """Takes turns when it is told to, in the caller's thread."""

    def __init__(self) -> None:
        super().__init__()
        self.asking: list[Work] = []

    def register(self, member: Work) -> None:
        """Start no thread."""

    def schedule(self, member: Work) -> None:
        """Note who asks."""
        self.asking.append(member)

    def step(self) -> Work:
        """Give the first in line a turn."""
        member = self.asking.pop(0)
        if member.step():
            self.asking.append(member)
        return member

    def work(self) -> None:
        """Give turns until nobody wants one."""
        while self.asking:
            self.step()


def put(stream: OpusStream, mp3: bytes, *, speed: float = 1.0) -> Clip:
    """Append a clip that is all there."""
    clip = stream.clip(speed=speed)
    clip.feed(mp3)
    clip.end()
    return clip


def read(pool: ByHand, stream: OpusStream, count: int = 100_000) -> list[bytes]:
    """Read packets as a player does, with the worker always faster; fewer than `count` where the talk ends."""
    packets: list[bytes] = []
    while len(packets) < count:
        pool.work()
        packet = stream.read()
        if not packet:
            break
        packets.append(packet)
    return packets
