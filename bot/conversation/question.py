"""A question as it comes in, whichever way it came."""

from dataclasses import dataclass

from bot.conversation.enclosures import Enclosure
from bot.conversation.material import Subject


@dataclass(frozen=True, slots=True)
class Question:
    """What a member asks, and who answers.

    `fresh` leaves out what was said before. `reply_to` is the message that it is a reply to: where that shows a turn,
    the question goes on from there and knows nothing else; where it doesn't, the question is about what it says, which
    is `quoted`. `subject` is the message that the question is about in any case. `enclosed` are the files that came
    with it. `message_id` is the message that asks, if one does; `way` says for the record how the question came.
    """

    text: str
    model: str
    persona: str
    private: bool = False
    fresh: bool = False
    reply_to: int | None = None
    quoted: Subject | None = None
    subject: Subject | None = None
    enclosed: tuple[Enclosure, ...] = ()
    message_id: int | None = None
    way: str = "command"

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to answer."""
        return not self.text.strip() and not self.enclosed
