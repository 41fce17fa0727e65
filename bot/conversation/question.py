"""A question, the earlier turns that are sent with it, and the prompt that they make.

Where a model takes no more, older turns are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Self

from bot.api.payloads import ChatMessage
from bot.context import RequestContext
from bot.conversation.attachments import Attachment
from bot.conversation.prompt import (
    NO_INPUTS,
    PromptInputs,
    QuotedMessage,
    build_messages,
    estimate_message,
    estimate_prompt,
    get_persona_values,
)
from bot.errors import TurnNotFound
from bot.messages import answers as texts
from bot.messages.message import Message
from bot.store.conversations import Conversations
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


@dataclass(frozen=True, slots=True)
class SelectedHistory:
    """The turns that are sent with a question, oldest first, and a sentence on those that are left out."""

    turns: tuple[Turn, ...] = ()
    omission: Message | None = None


@dataclass(frozen=True, slots=True)
class ContextWindow:
    """The most turns and estimated tokens that are sent; 0 turns switch the history off."""

    turns: int
    tokens: int

    @property
    def turns_to_read(self) -> int:
        """Return how many turns `select` needs: one more than are sent, to know whether there are more."""
        return self.turns + 1 if self.turns else 0

    def select(self, turns: Sequence[Turn], required: int = 0) -> SelectedHistory:
        """Return the newest turns that fit, and the newest `required` in any case.

        Without gaps: the first turn that doesn't fit leaves out everything before it, since an answer without its
        question would mislead the model.
        """
        if not self.turns or not self.tokens:
            return SelectedHistory(tuple(turns[len(turns) - required :]))
        selected = _newest_within(self.tokens, turns[-self.turns :], required)
        return SelectedHistory(selected, None if len(selected) == len(turns) else _beyond_window(len(selected)))


def shorten(history: SelectedHistory, tokens: int, required: int = 0) -> SelectedHistory:
    """Return the newest turns that fit into `tokens`, at least one fewer than before.

    The newest `required` stay in any case.
    """
    selected = _newest_within(tokens, history.turns[1:], required)
    return SelectedHistory(selected, _beyond_model(len(history.turns) - len(selected), len(history.turns)))


def _newest_within(tokens: int, turns: Sequence[Turn], required: int) -> tuple[Turn, ...]:
    first = len(turns)
    for turn in reversed(turns):
        tokens -= estimate_turn_tokens(turn)
        if tokens < 0 and len(turns) - first >= required:
            break
        first -= 1
    return tuple(turns[first:])


def estimate_turn_tokens(turn: Turn) -> int:
    """Return the estimated tokens of a turn in a request."""
    return estimate_message(turn.question) + estimate_message(turn.answer)


def _beyond_window(selected: int) -> Message:
    return texts.only_newest_history_fits(selected) if selected else texts.no_history_fits()


def _beyond_model(dropped: int, total: int) -> Message:
    if dropped == total:
        return texts.model_reads_no_history(total)
    return texts.model_reads_less_history(dropped, total)


HistoryAndParents = tuple[list[Turn], tuple[int, ...]]
"""The turns that may be sent with a question, oldest first, and the ids of the turns that it will be stored below."""


class HistorySelector:
    """Finds the turns before a question, as many as `window` needs to select from."""

    def __init__(self, conversations: Conversations, window: ContextWindow) -> None:
        self._conversations = conversations
        self._max_turns = window.turns_to_read

    async def select_history(self, requester: RequestContext, question: Question) -> HistoryAndParents:
        """Select the turns to send and return them with the ids of a reply's ancestors.

        They are the ancestors of the replied-to turn, else the channel's public history or this user's private one,
        without ids.

        Raises:
            TurnNotFound: the turn that the question regenerates or continues is not stored any more.
            StoreUnavailable: they cannot be read just now.
        """
        if question.fresh:
            return [], ()
        if question.source_turn is not None:
            return await self._history_up_to(question.source_turn, question.required_turns)
        if question.reply_to is not None:
            turn_id = await self._conversations.find_turn_of_message(question.reply_to, requester.channel_id)
            if turn_id is not None:
                path = await self._conversations.get_ancestors(turn_id, max(self._max_turns, 1))
                return path if self._max_turns else [], _ids(path)
        if question.private:
            return await self._conversations.get_private_history(
                requester.channel_id, requester.user_id, self._max_turns
            ), ()
        return await self._conversations.get_public_history(requester.channel_id, self._max_turns), ()

    async def _history_up_to(self, first: Turn, required: int) -> HistoryAndParents:
        """Return the history of `first`, the turn to regenerate or continue, and that turn as well if `required`."""
        known = await self._conversations.get_ancestors(first.id, self._max_turns + 1)
        if not known or known[-1].id != first.id:
            raise TurnNotFound(f"turn {first.id}")
        path = known[: len(known) - 1 + required]
        return path if self._max_turns else path[len(path) - required :], _ids(path)


def _ids(turns: list[Turn]) -> tuple[int, ...]:
    return tuple(turn.id for turn in turns)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent to the model: a question with its history and inputs. `now` is the time that a persona may name."""

    requester: RequestContext
    question: Question
    now: datetime
    history: SelectedHistory = SelectedHistory()
    inputs: PromptInputs = NO_INPUTS
    messages: tuple[ChatMessage, ...] = ()
    tokens: int = 0
    """The estimate."""

    @classmethod
    def build(
        cls,
        requester: RequestContext,
        question: Question,
        now: datetime,
        history: SelectedHistory,
        inputs: PromptInputs,
    ) -> Self:
        """Return the prompt; a regenerated question is its first author's."""
        source = question.source_turn
        speaker = requester if source is None else replace(requester, name=source.author_name)
        values = get_persona_values(question.persona, speaker, now)
        messages = build_messages(question.persona, history.turns, question.text, speaker.name, values, inputs)
        tokens = estimate_prompt(messages) + inputs.tokens
        return cls(requester, question, now, history, inputs, tuple(messages), tokens)

    def with_history(self, history: SelectedHistory) -> "Prompt":
        """Return the same question with other turns before it."""
        return self.build(self.requester, self.question, self.now, history, self.inputs)

    def with_inputs(self, inputs: PromptInputs) -> "Prompt":
        """Return the same question with other inputs."""
        return self.build(self.requester, self.question, self.now, self.history, inputs)

    def shorten(self) -> "Prompt | None":
        """Leave out the older turns, about half of all tokens; return None if there are none to leave out."""
        required = self.question.required_turns
        if len(self.history.turns) <= required:
            return None
        bare_tokens = self.with_history(SelectedHistory()).tokens
        return self.with_history(shorten(self.history, self.tokens // 2 - bare_tokens, required))
