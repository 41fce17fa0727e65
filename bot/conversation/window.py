"""Which earlier turns go along with a question."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.conversation.tokens import estimate_message
from bot.store.conversations import Turn


@dataclass(frozen=True, slots=True)
class Window:
    """The bounds of what is sent along: at most so many turns and estimated tokens."""

    turns: int
    tokens: int

    def fit(self, line: Sequence[Turn]) -> list[Turn]:
        """Return the newest turns of `line` that fit, oldest first.

        Without gaps: the first turn that doesn't fit hides everything before it, since an answer to a question that is
        missing confuses more than it tells.
        """
        kept: list[Turn] = []
        left = self.tokens
        for turn in reversed(line[-self.turns :] if self.turns else ()):
            left -= estimate_message(turn.question) + estimate_message(turn.answer)
            if left < 0:
                break
            kept.append(turn)
        kept.reverse()
        return kept
