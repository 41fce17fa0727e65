"""A question as it comes in, whichever way it came, and where in the conversation it stands."""

from dataclasses import dataclass
from typing import Final, Self

from bot.conversation.attachments import Attachment
from bot.conversation.prompt import QuotedMessage
from bot.store.turns import Turn

GO_ON: Final = (
    "Go on exactly where your last message breaks off. Don't repeat any of it, and don't comment on it. Where it "
    "breaks off inside a code block, begin with the fence of that block."
)


@dataclass(frozen=True, slots=True)
class Question:
    """What a member asks, and who answers.

    `fresh` leaves out what was said before. `reply_to` is the message that it is a reply to: where that shows a turn,
    the question goes on from there and knows nothing else; where it doesn't, the question is about what it says, which
    is `quoted`. `subject` is the message that the question is about in any case. `enclosed` are the files that came
    with it. `message_id` is the message that asks, if one does; `way` says for the record how the question came.

    `again` is the turn whose question this is once more, in whose place its answer stands. `after` is the turn whose
    answer is gone on with. Both belong to whoever asked first, also where somebody else pays for them.
    """

    text: str
    model: str
    persona: str
    private: bool = False
    fresh: bool = False
    reply_to: int | None = None
    quoted: QuotedMessage | None = None
    subject: QuotedMessage | None = None
    enclosed: tuple[Attachment, ...] = ()
    message_id: int | None = None
    way: str = "command"
    again: Turn | None = None
    after: Turn | None = None

    @classmethod
    def anew(
        cls, turn: Turn, model: str, persona: str, subject: QuotedMessage | None, enclosed: tuple[Attachment, ...]
    ) -> Self:
        """Ask a turn's question again, about the same message and with the same files."""
        return cls(
            turn.question,
            model,
            persona,
            private=turn.private,
            subject=subject,
            enclosed=enclosed,
            message_id=turn.question_message_id,
            way="regenerate",
            again=turn,
        )

    @classmethod
    def going_on(cls, turn: Turn, model: str, persona: str) -> Self:
        """Ask for the rest of a turn's answer."""
        return cls(GO_ON, model, persona, private=turn.private, way="continue", after=turn)

    @property
    def needed(self) -> int:
        """How many of the turns before it make no sense to leave out."""
        return 0 if self.after is None else 1

    @property
    def first(self) -> Turn | None:
        """The turn that this comes back to."""
        return self.again or self.after

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to answer."""
        return not self.text.strip() and not self.enclosed
