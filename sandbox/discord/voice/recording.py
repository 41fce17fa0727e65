"""The bot's audio in one guild: its packets, their timing, and the decoded sound."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from sandbox.discord.entities import ChannelType, Guild
from sandbox.discord.permissions import Permission
from sandbox.discord.state import DiscordState
from sandbox.discord.voice.call import Call
from sandbox.discord.voice.opus import PACKET_SAMPLES, RATE, decode_opus, write_wav
from sandbox.discord.voice.rtp import OPUS, DecryptionFailed, Rtp, decrypt

SILENCE = b"\xf8\xff\xfe"
"""The Opus packet that marks a pause."""

PACKET_MS = 20
STALL_MS = 60
_TAIL = 5  # silent packets that discord.py sends at once when it stops
_TAIL_MS = 15


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet of 20 ms.

    `arrived_ns` are nanoseconds since 1970. `call` counts the bot's voice sessions in the guild; sequence and timestamp
    are continuous within one call only. `opus` is empty where it could not be decrypted. `listeners` are the users who
    could hear it; `unheard` is the reason where there were none.
    """

    arrived_ns: int
    call: int
    sequence: int
    timestamp: int
    opus: bytes
    channel_id: int
    listeners: frozenset[int] = frozenset()
    unheard: str | None = None

    @property
    def silent(self) -> bool:
        """Whether it is the Opus packet for silence."""
        return self.opus == SILENCE


@dataclass(frozen=True, slots=True)
class Gap:
    """Two consecutive packets that came further apart than they should."""

    after: int
    """The index of the first of the two."""
    ms: float


class Recording:
    """A sequence of packets in the order of arrival; everything about them is computed on demand."""

    def __init__(self, packets: Sequence[Packet], flaws: Sequence[str] = ()) -> None:
        self.packets = tuple(packets)
        self.flaws = tuple(flaws)
        """Protocol violations: a wrong sequence number, timestamp, key or sender."""

    def __len__(self) -> int:
        return len(self.packets)

    def by(self, user_id: int) -> "Recording":
        """Return what one user could hear."""
        return Recording([each for each in self.packets if user_id in each.listeners], self.flaws)

    @property
    def audible(self) -> "Recording":
        """What at least one user could hear."""
        return Recording([each for each in self.packets if each.listeners], self.flaws)

    @property
    def speech(self) -> "Recording":
        """The packets that are not silence."""
        return Recording([each for each in self.packets if not each.silent], self.flaws)

    @property
    def seconds(self) -> float:
        """Its duration without the gaps between packets."""
        return len(self.packets) * PACKET_MS / 1000

    def spurts(self) -> list["Recording"]:
        """Return the continuous runs: one ends with discord.py's silent packets, or with its call."""
        runs: list[list[Packet]] = []
        for packet in self.packets:
            run = runs[-1] if runs else None
            if (
                run is None
                or run[-1].call != packet.call
                or (_ends_silent(run) and _distance_ms(run[-1], packet) > _TAIL_MS)
            ):
                runs.append([packet])
            else:
                run.append(packet)
        return [Recording(run, self.flaws) for run in runs]

    def gaps(self, longer_than_ms: float = STALL_MS) -> list[Gap]:
        """Return the stalls: packets further apart than that within a run."""
        found: list[Gap] = []
        for index in range(1, len(self.packets)):
            apart = _distance_ms(self.packets[index - 1], self.packets[index])
            if apart > longer_than_ms and not _ends_silent(self.packets[max(0, index - _TAIL) : index]):
                found.append(Gap(index - 1, apart))
        return found

    def off_grid_ms(self) -> list[float]:
        """Return each packet's distance from the 20 ms grid of its run in milliseconds, sorted.

        The grid is at the median of the run. The silent packets at its end, sent all at once, are left out.
        """
        distances: list[float] = []
        for spurt in self.spurts():
            packets = spurt.packets[:-_TAIL] if _ends_silent(spurt.packets) else spurt.packets
            if not packets:
                continue
            first = packets[0]
            steps = [(each.timestamp - first.timestamp) % (1 << 32) // PACKET_SAMPLES for each in packets]
            late = [_distance_ms(first, each) - PACKET_MS * step for each, step in zip(packets, steps, strict=True)]
            middle = median(late)
            distances += [abs(each - middle) for each in late]
        return sorted(distances)

    @property
    def lost(self) -> int:
        """How many sequence numbers are missing between the packets."""
        pairs = zip(self.packets, self.packets[1:], strict=False)
        steps = [(after.sequence - before.sequence) % (1 << 16) for before, after in pairs if before.call == after.call]
        return sum(step - 1 for step in steps if 1 < step < 1 << 15)

    def pcm(self) -> "array[int]":
        """Return the sound without its gaps: 48 kHz, mono, 16 bits a sample. Lost packets are silence."""
        sound: array[int] = array("h")
        for spurt in self._calls():
            sound += decode_opus(_fill_losses(spurt))
        return sound

    def save(self, path: Path) -> float:
        """Write the sound as a WAV file, with its gaps, as a listener hears it. Return its length in seconds."""
        sound: array[int] = array("h")
        beginning = self.packets[0].arrived_ns if self.packets else 0
        for spurt in self.spurts():
            start = (spurt.packets[0].arrived_ns - beginning) * RATE // 1_000_000_000
            sound += array("h", bytes(2 * max(0, start - len(sound))))
            sound += decode_opus(_fill_losses(spurt.packets))
        write_wav(path, sound)
        return len(sound) / RATE

    def _calls(self) -> list[list[Packet]]:
        calls: list[list[Packet]] = []
        for packet in self.packets:
            if not calls or calls[-1][-1].call != packet.call:
                calls.append([])
            calls[-1].append(packet)
        return calls


def quantile(distances: Sequence[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of the sorted `distances` do not exceed; 0 for no distances."""
    return distances[min(len(distances) - 1, int(share * len(distances)))] if distances else 0.0


def _distance_ms(before: Packet, after: Packet) -> float:
    return (after.arrived_ns - before.arrived_ns) / 1_000_000


def _ends_silent(packets: Sequence[Packet]) -> bool:
    """Return whether these end with the silent packets that discord.py sends when it stops."""
    tail = packets[-_TAIL:]
    return len(tail) == _TAIL and all(each.silent for each in tail) and _distance_ms(tail[0], tail[-1]) < _TAIL_MS


def _fill_losses(packets: Sequence[Packet]) -> list[bytes | None]:
    """Return the payloads in order, with None for each missing packet."""
    payloads: list[bytes | None] = []
    for index, packet in enumerate(packets):
        if index:
            step = (packet.sequence - packets[index - 1].sequence) % (1 << 16)
            payloads += [None] * (step - 1 if 1 < step < 1 << 15 else 0)
        payloads.append(packet.opus or None)
    return payloads


MOST_FLAWS = 1_000


class Recorder:
    """Decrypts packets as they arrive and records who could hear them; decoding is done on demand."""

    def __init__(self, state: DiscordState, guild: Guild) -> None:
        self.packets: list[Packet] = []
        self.flaws: list[str] = []
        self._state = state
        self._guild = guild
        self._last: dict[int, tuple[int, int]] = {}

    def recording(self, since: int = 0) -> Recording:
        """Return the packets so far, from index `since` on."""
        return Recording(self.packets[since:], self.flaws)

    def add_flaw(self, text: str) -> None:
        """Record a protocol violation."""
        if len(self.flaws) < MOST_FLAWS:
            self.flaws.append(text)

    def record(self, call: Call, data: bytes, rtp: Rtp, arrived_ns: int, *, lost: bool = False) -> None:
        """Record a packet of a call; with `lost` it has no listeners."""
        opus, unheard = b"", "lost on the way" if lost else self._find_obstacle(call)
        try:
            opus = decrypt(data, rtp, call.key)
        except DecryptionFailed:
            self.add_flaw(f"call {call.number}: packet {rtp.sequence} is encrypted with another key")
            unheard = "wrong key"
        if rtp.payload_type != OPUS:
            self.add_flaw(f"call {call.number}: packet {rtp.sequence} is of type {rtp.payload_type}")
        self._check_order(call, rtp)
        channel = call.voice_state.channel
        there = frozenset(each.user.id for each in self._guild.within(channel)) - {call.user_id}
        unheard = unheard or (None if there else "no listeners")
        if call.group is not None:
            opus, able, why = call.group.decrypt(opus)
            unheard = unheard or why or (None if there & able else "not to be opened")
            there &= able
        listeners = frozenset() if unheard else there
        self.packets.append(
            Packet(arrived_ns, call.number, rtp.sequence, rtp.timestamp, opus, channel.id, listeners, unheard)
        )

    def _find_obstacle(self, call: Call) -> str | None:
        if not call.connected:
            return "not connected"
        if not call.announced:
            return "speaking not announced"
        voice_state = call.voice_state
        if voice_state.channel.type is ChannelType.STAGE:
            return "may not speak" if voice_state.suppress else None
        return (
            None
            if self._state.permissions(voice_state.user, voice_state.channel) & Permission.SPEAK
            else "may not speak"
        )

    def _check_order(self, call: Call, rtp: Rtp) -> None:
        before = self._last.get(call.number)
        self._last[call.number] = (rtp.sequence, rtp.timestamp)
        if before is None:
            return
        step = (rtp.sequence - before[0]) % (1 << 16)
        # discord.py starts again at 0 after the largest number, and so the last of them is never used.
        if step != 1 and not (rtp.sequence == 0 and before[0] >= (1 << 16) - 2):
            self.add_flaw(f"call {call.number}: packet {rtp.sequence} came after {before[0]}")
        apart = (rtp.timestamp - before[1]) % (1 << 32)
        if apart != step * PACKET_SAMPLES and not (rtp.timestamp == 0 and before[1] >= (1 << 32) - PACKET_SAMPLES):
            self.add_flaw(f"call {call.number}: timestamp {rtp.timestamp} came after {before[1]}")
