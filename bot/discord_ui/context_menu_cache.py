"""Messages that somebody chose from a menu, until the form that this opens comes back.

Discord sends a message's content along with the choice, and would not give it to the bot again. Kept in this process's
memory: forgotten with it, and no other process has it.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from bot.conversation.attachments import Attachment
from bot.conversation.prompt import QuotedMessage

MOST_KEPT: Final = 1000


@dataclass(frozen=True, slots=True)
class ChosenMessage:
    """What a message says, and those of its files that can be used."""

    subject: QuotedMessage
    files: tuple[Attachment, ...]


class ContextMenuCache:
    """Keeps who chose which message; the oldest make room."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int], ChosenMessage] = OrderedDict()

    def keep(self, member_id: int, chosen: ChosenMessage) -> None:
        """Remember that this member chose it."""
        key = (member_id, chosen.subject.message_id)
        self._kept[key] = chosen
        self._kept.move_to_end(key)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

    def of(self, member_id: int, message_id: int | None) -> ChosenMessage | None:
        """Give what the member chose: nobody gets at a message by naming its id."""
        return None if message_id is None else self._kept.get((member_id, message_id))
