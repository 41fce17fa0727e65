"""What can go wrong with voice on request."""

from collections import Counter
from typing import Literal

from sandbox.discord.voice.protocol import VoiceCloseCode

Unanswered = Literal["gateway", "server update", "websocket", "group"]
"""What does not answer.

`gateway`: op 4, not at all. `server update`: op 4, or a move, is answered with a state and no server. `websocket`: the
voice websocket, once it is open. `group`: the wish to be in the group of the end-to-end encryption, until
`VoiceService.lets_into_group`.
"""


class VoiceFaults:
    """Which faults the coming connections meet. What happens to the present one is done by `VoiceService` itself."""

    def __init__(self) -> None:
        self.losing = False
        """Whether every datagram is lost on the way: those that come are noted, and heard by nobody."""
        self.half_open = False
        """Whether the websockets of calls that end stay open, with neither side hearing the other any more."""
        self._closes: list[int] = []
        self._silences: Counter[Unanswered] = Counter()

    def close_next(self, code: int | VoiceCloseCode, *, times: int = 1) -> None:
        """Close the next `times` connections with a code as soon as they say who they are, or that they are back."""
        self._closes += [int(code)] * times

    def leave_unanswered(self, what: Unanswered, *, times: int = 1) -> None:
        """Let the next `times` wishes or connections go unanswered."""
        self._silences[what] += times

    def clear(self) -> None:
        """Forget everything that was asked for."""
        self.losing = self.half_open = False
        self._closes.clear()
        self._silences.clear()

    def take_close_code(self) -> int | None:
        """The code the connection at hand is to be closed with; uses it up."""
        return self._closes.pop(0) if self._closes else None

    def take_unanswered(self, what: Unanswered) -> bool:
        """Whether the wish or connection at hand goes unanswered; uses it up."""
        if not self._silences[what]:
            return False
        self._silences[what] -= 1
        return True
