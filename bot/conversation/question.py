"""A question: its text, options and attachments, and its place in the conversation."""

from dataclasses import dataclass
from typing import Final, Self

from bot.conversation.attachments import Attachment
from bot.conversation.prompt import QuotedMessage
from bot.store.turns import Turn

CONTINUE_PROMPT: Final = (
    "Go on exactly where your last message breaks off. Don't repeat any of it, and don't comment on it. Where it "
    "breaks off inside a code block, begin with the fence of that block."
)


@dataclass(frozen=True, slots=True)
class Question:
    """What a member asks, and the model and persona that answer.

    `fresh` leaves out the history. `reply_to` is the message that it is a reply to: if that shows a turn, the question
    continues that turn's branch and has no other history; if not, the question is about that message, which is
    `quoted`. `about` is the message that the question is about in any case. `message_id` is the message that asks, if
    one does; `trigger` is how the question came, for the log.

    `regenerates` is the turn whose question this is, and whose answer it replaces. `continues` is the turn whose answer
    it continues. Both keep their first author, also if another member pays for them.
    """

    text: str
    model: str
    persona: str
    private: bool = False
    fresh: bool = False
    reply_to: int | None = None
    quoted: QuotedMessage | None = None
    about: QuotedMessage | None = None
    attachments: tuple[Attachment, ...] = ()
    message_id: int | None = None
    trigger: str = "command"
    regenerates: Turn | None = None
    continues: Turn | None = None

    @classmethod
    def regenerate(
        cls, turn: Turn, model: str, persona: str, about: QuotedMessage | None, attachments: tuple[Attachment, ...]
    ) -> Self:
        """Return a turn's question again, about the same message and with the same attachments."""
        return cls(
            turn.question,
            model,
            persona,
            private=turn.private,
            about=about,
            attachments=attachments,
            message_id=turn.question_message_id,
            trigger="regenerate",
            regenerates=turn,
        )

    @classmethod
    def continue_(cls, turn: Turn, model: str, persona: str) -> Self:
        """Return a question for the rest of a turn's answer."""
        return cls(CONTINUE_PROMPT, model, persona, private=turn.private, trigger="continue", continues=turn)

    @property
    def required_turns(self) -> int:
        """Return how many of the newest turns must be sent with it."""
        return 0 if self.continues is None else 1

    @property
    def source_turn(self) -> Turn | None:
        """The turn that this regenerates or continues."""
        return self.regenerates or self.continues

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to answer."""
        return not self.text.strip() and not self.attachments
