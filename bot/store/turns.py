"""A turn, that is a question with its answer, and its conversion from and to rows."""

from dataclasses import dataclass
from typing import Final

from bot.store.database import Row, Value
from bot.store.sqlite import sanitize_for_db

COLUMNS: Final = """
    turns.id, turns.parent_id, channel_id, guild_id, author_id, author_name, private, question, answer,
    finish_reason, model, prompt_tokens, answer_tokens, tokens_estimated, created_at_ms, turns.is_branch, files,
    about_message_id
"""
"""What `build_turn` reads, in its order."""

QUESTION_POSITION: Final = 0
FIRST_ANSWER: Final = QUESTION_POSITION + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTurn:
    """A turn that has just ended, to be stored.

    `parent_channel_id` is the channel of a thread, None outside threads. `finish_reason` says how the answer ended
    ("complete", "cut", …). `files` are the names of the question's attachments; `about_message_id` is the message that
    it was asked about.

    Its place in the tree: `fresh` starts without the earlier history. A reply has a `path`, the ids of its ancestors,
    the newest last. `replaces_id` is the turn whose question was asked again. All others follow the newest turn of
    their history.
    """

    channel_id: int
    parent_channel_id: int | None
    guild_id: int | None
    author_id: int
    author_name: str
    private: bool
    fresh: bool
    path: tuple[int, ...] = ()
    replaces_id: int | None = None
    question: str
    files: tuple[str, ...] = ()
    about_message_id: int | None = None
    answer: str
    finish_reason: str
    model: str
    prompt_tokens: int
    answer_tokens: int
    tokens_estimated: bool
    question_message_id: int | None
    answer_message_ids: tuple[int, ...]
    asked_at_ms: int
    created_at_ms: int

    @property
    def is_branch(self) -> bool:
        """Return whether it continues a certain turn, not the newest of its history."""
        return bool(self.path) or self.replaces_id is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A stored turn. `parent_id` is the turn that it continues, None where a history or a branch starts."""

    id: int
    parent_id: int | None
    is_branch: bool = False
    channel_id: int
    guild_id: int | None
    author_id: int
    author_name: str
    private: bool
    question: str
    files: tuple[str, ...] = ()
    about_message_id: int | None = None
    answer: str
    finish_reason: str
    model: str
    prompt_tokens: int
    answer_tokens: int
    tokens_estimated: bool
    question_message_id: int | None
    answer_message_ids: tuple[int, ...]
    created_at_ms: int

    @property
    def message_ids(self) -> tuple[int, ...]:
        """The messages it was shown in, in reading order."""
        question = () if self.question_message_id is None else (self.question_message_id,)
        return question + self.answer_message_ids


def build_turn(row: Row, messages: list[Row]) -> Turn:
    """Build a turn from a row that begins with `COLUMNS` and from those rows of `messages` that are its own."""
    shown = {position: message for turn_id, position, message in messages if turn_id == row[0]}
    return Turn(
        id=row[0],
        parent_id=row[1],
        channel_id=row[2],
        guild_id=row[3],
        author_id=row[4],
        author_name=row[5],
        private=bool(row[6]),
        question=row[7],
        answer=row[8],
        finish_reason=row[9],
        model=row[10],
        prompt_tokens=row[11],
        answer_tokens=row[12],
        tokens_estimated=bool(row[13]),
        created_at_ms=row[14],
        is_branch=bool(row[15]),
        files=tuple(row[16].splitlines()),
        about_message_id=row[17],
        question_message_id=shown.pop(QUESTION_POSITION, None),
        answer_message_ids=tuple(shown.values()),
    )


def build_row(turn: NewTurn, parent_id: int | None, replaces_id: int | None) -> tuple[Value, ...]:
    """Return the values of `turn` for the table: all but its id and its messages.

    `parent_id` and `replaces_id` are the turns that it continues and replaces, if they still exist.
    """
    return (
        parent_id,
        int(turn.is_branch),
        replaces_id,
        turn.channel_id,
        turn.parent_channel_id,
        turn.guild_id,
        turn.author_id,
        sanitize_for_db(turn.author_name),
        int(turn.private),
        sanitize_for_db(turn.question),
        "\n".join(" ".join(sanitize_for_db(name).split()) for name in turn.files),
        turn.about_message_id,
        sanitize_for_db(turn.answer),
        turn.finish_reason,
        sanitize_for_db(turn.model),
        turn.prompt_tokens,
        turn.answer_tokens,
        int(turn.tokens_estimated),
        turn.created_at_ms,
    )
