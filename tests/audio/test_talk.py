"""What a listener hears of a talk. Turns are taken by hand here; the pool has its own tests."""

from bot.audio.frames import SILENCE
from bot.audio.pool import Pool, Work
from bot.audio.talk import Talk
from tests.support.hear_opus import decoded, place
from tests.support.make_sound import mp3_of, tune


class ByHand(Pool):
    """Takes turns when it is told to, in the caller's thread."""

    def __init__(self) -> None:
        super().__init__()
        self.asking: list[Work] = []

    def join(self, member: Work) -> None:
        """Start no thread."""

    def ask(self, member: Work) -> None:
        """Note who asks."""
        self.asking.append(member)

    def work(self) -> None:
        """Give turns until nobody wants one."""
        while self.asking:
            member = self.asking.pop(0)
            if member.turn():
                self.asking.append(member)


def read_on(pool: ByHand, talk: Talk, count: int = 10_000) -> list[bytes]:
    """Read packets as a player does, with the worker always faster; ends with the talk."""
    packets: list[bytes] = []
    while len(packets) < count:
        pool.work()
        packet = talk.read()
        if not packet:
            break
        packets.append(packet)
    return packets


def test_a_clip_is_heard_whole() -> None:
    pool, wave = ByHand(), tune(1, 2)
    talk = Talk(pool)
    clip = talk.clip()
    clip.feed(mp3_of(wave))
    clip.end()
    talk.close()
    packets = read_on(pool, talk)
    assert SILENCE not in packets
    heard = decoded(packets)
    at, alike = place(heard, wave, near=120)
    assert at < 480
    assert alike > 0.95
    assert clip.heard_s == clip.known_s
    assert abs(clip.heard_s - 2) < 0.01
