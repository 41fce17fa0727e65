"""A worker pool whose steps a test runs itself, so that what is read does not depend on how fast threads are."""

from bot.audio.clip import Clip
from bot.audio.opus_stream import OpusStream
from bot.audio.worker_pool import Work, WorkerPool


class ManualWorkerPool(WorkerPool):
    """Runs steps only when `step` is called, in the caller's thread."""

    def __init__(self) -> None:
        super().__init__()
        self.scheduled: list[Work] = []

    def register(self, work: Work) -> None:
        """Start no thread."""

    def schedule(self, work: Work) -> None:
        """Record who is scheduled."""
        self.scheduled.append(work)

    def step(self) -> Work:
        """Run one step of the first that is scheduled, and return it."""
        work = self.scheduled.pop(0)
        if work.step():
            self.scheduled.append(work)
        return work

    def run_all(self) -> None:
        """Run steps until none is scheduled."""
        while self.scheduled:
            self.step()


def new_clip(stream: OpusStream, *, speed: float = 1.0) -> Clip:
    """Append a clip without a byte, and return it."""
    clip = Clip(speed)
    stream.append(clip)
    return clip


def append_clip(stream: OpusStream, mp3: bytes, *, speed: float = 1.0) -> Clip:
    """Append a complete clip, and return it."""
    clip = new_clip(stream, speed=speed)
    clip.feed(mp3)
    clip.end()
    return clip


def read_packets(pool: ManualWorkerPool, stream: OpusStream, count: int = 100_000) -> list[bytes]:
    """Return packets read as a player does, with the worker always faster: fewer than `count` where the stream ends."""
    packets: list[bytes] = []
    while len(packets) < count:
        pool.run_all()
        packet = stream.read()
        if not packet:
            break
        packets.append(packet)
    return packets
