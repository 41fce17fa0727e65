"""What is written down of the sound that comes from the bot in one guild."""

from bot.sandbox.guilds import ChannelType, Guild
from bot.sandbox.permissions import Permission
from bot.sandbox.voice.call import Call
from bot.sandbox.voice.heard import Heard, Packet
from bot.sandbox.voice.rtp import OPUS, Rtp, Undecipherable, decipher
from bot.sandbox.voice.sound import PACKET_SAMPLES
from bot.sandbox.world import World

MOST_FLAWS = 1_000


class Record:
    """Opens packets as they come, and notes who could hear them; decoding is left to whoever listens later."""

    def __init__(self, world: World, guild: Guild) -> None:
        self.packets: list[Packet] = []
        self.flaws: list[str] = []
        self._world = world
        self._guild = guild
        self._last: dict[int, tuple[int, int]] = {}

    def heard(self, since: int = 0) -> Heard:
        """All packets from a place on, as they are now."""
        return Heard(self.packets[since:], self.flaws)

    def flaw(self, text: str) -> None:
        """Note what no good client does."""
        if len(self.flaws) < MOST_FLAWS:
            self.flaws.append(text)

    def take(self, call: Call, data: bytes, rtp: Rtp, arrived_ns: int, *, lost: bool = False) -> None:
        """Note a packet of a call; one that was `lost` on the way to those who listen is heard by nobody."""
        opus, unheard = b"", "lost on the way" if lost else self._hindered(call)
        try:
            opus = decipher(data, rtp, call.key)
        except Undecipherable:
            self.flaw(f"call {call.number}: packet {rtp.sequence} is encrypted with another key")
            unheard = "wrong key"
        if rtp.payload_type != OPUS:
            self.flaw(f"call {call.number}: packet {rtp.sequence} is of type {rtp.payload_type}")
        self._check_order(call, rtp)
        channel = call.state.channel
        there = frozenset(each.user.id for each in self._guild.within(channel)) - {call.user_id}
        unheard = unheard or (None if there else "nobody there")
        if call.group is not None:
            opus, able, why = call.group.opened(opus)
            unheard = unheard or why or (None if there & able else "not to be opened")
            there &= able
        listeners = frozenset() if unheard else there
        self.packets.append(
            Packet(arrived_ns, call.number, rtp.sequence, rtp.timestamp, opus, channel.id, listeners, unheard)
        )

    def _hindered(self, call: Call) -> str | None:
        if not call.connected:
            return "not connected"
        if not call.announced:
            return "speaking not announced"
        state = call.state
        if state.channel.type is ChannelType.STAGE:
            return "may not speak" if state.suppress else None
        return None if self._world.permissions(state.user, state.channel) & Permission.SPEAK else "may not speak"

    def _check_order(self, call: Call, rtp: Rtp) -> None:
        before = self._last.get(call.number)
        self._last[call.number] = (rtp.sequence, rtp.timestamp)
        if before is None:
            return
        step = (rtp.sequence - before[0]) % (1 << 16)
        # discord.py starts again at 0 after the largest number, and so the last of them is never used.
        if step != 1 and not (rtp.sequence == 0 and before[0] >= (1 << 16) - 2):
            self.flaw(f"call {call.number}: packet {rtp.sequence} came after {before[0]}")
        apart = (rtp.timestamp - before[1]) % (1 << 32)
        if apart != step * PACKET_SAMPLES and not (rtp.timestamp == 0 and before[1] >= (1 << 32) - PACKET_SAMPLES):
            self.flaw(f"call {call.number}: timestamp {rtp.timestamp} came after {before[1]}")
