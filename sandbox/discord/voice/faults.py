"""Voice faults on request."""

from collections import Counter
from typing import Literal

from sandbox.discord.voice.protocol import VoiceCloseCode

Unanswered = Literal["gateway", "server update", "websocket", "group"]
"""What is left unanswered.

`gateway`: op 4. `server update`: op 4 or a move gets a voice state but no voice server. `websocket`: everything on the
voice websocket once it is open. `group`: the key package for the end-to-end encryption, until
`VoiceService.admit_to_group`.
"""


class VoiceFaults:
    """The faults of later connections; faults of the current call are in `VoiceService`."""

    def __init__(self) -> None:
        self.losing = False
        """Whether every datagram is lost: audio is recorded without listeners, IP discovery is not answered."""
        self.half_open = False
        """Whether websockets of ended calls stay open without anything being received, as with a dead network."""
        self._closes: list[int] = []
        self._unanswered: Counter[Unanswered] = Counter()

    def close_next(self, code: int | VoiceCloseCode, *, times: int = 1) -> None:
        """Close the next `times` connections with a code when they identify or resume."""
        self._closes += [int(code)] * times

    def leave_unanswered(self, what: Unanswered, *, times: int = 1) -> None:
        """Leave the next `times` requests or connections unanswered."""
        self._unanswered[what] += times

    def clear(self) -> None:
        """Remove all faults."""
        self.losing = self.half_open = False
        self._closes.clear()
        self._unanswered.clear()

    def take_close_code(self) -> int | None:
        """Return the code to close the current connection with, once."""
        return self._closes.pop(0) if self._closes else None

    def take_unanswered(self, what: Unanswered) -> bool:
        """Return whether the current request or connection is left unanswered, once for each `times`."""
        if not self._unanswered[what]:
            return False
        self._unanswered[what] -= 1
        return True
