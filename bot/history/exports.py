"""Kept turns as files: JSON as docs/reference/history-export.md describes it, or Markdown to read.

Turns are taken from the newest back until a file is full, and stand in it from the oldest on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from bot.store.turn_reader import NEWEST
from bot.store.turns import Turn

LARGEST: Final = 10 * 2**20
"""Bytes. Discord allows some members more, but takes no more than 25 MiB in one request."""

VERSION: Final = 1
"""Of the JSON files' form; goes up when something in them changes its meaning."""

Json = dict[str, object]

Reading = Callable[[int], Awaitable[Sequence[Turn]]]
"""Reads the newest turns before the one with this id, newest first; none where there are no more."""

_IN_JSON: Final = ",\n"
_IN_MARKDOWN: Final = "\n---\n\n"


@dataclass(frozen=True, slots=True)
class Export:
    """A file of turns: `turns` are in it, `total` are kept; so many other rows did not fit it."""

    filename: str
    data: bytes
    turns: int
    total: int
    others_left_out: int = 0


async def json_file(name: str, facts: Json, total: int, reading: Reading, room: int) -> Export:
    """Make a JSON file of at most `room` bytes: `facts` about it, then the turns."""
    counts: Json = {"turns_kept": total, "turns_in_file": total}
    room = min(room, LARGEST) - len(_json_file({**facts, **counts}, []))
    texts = await _gathered(reading, lambda turn: as_json(turn_as_json(turn)), _IN_JSON, room)
    data = _json_file({**facts, **counts, "turns_in_file": len(texts)}, texts)
    return Export(f"{name}.json", data, len(texts), total)


async def markdown_file(name: str, heading: str, total: int, reading: Reading, room: int) -> Export:
    """Make a Markdown file of at most `room` bytes: `heading`, then the turns."""
    head = f"{heading}\n\n"
    texts = await _gathered(reading, turn_as_markdown, _IN_MARKDOWN, min(room, LARGEST) - len(head.encode()))
    return Export(f"{name}.md", (head + _IN_MARKDOWN.join(texts)).encode(), len(texts), total)


def turn_as_json(turn: Turn) -> Json:
    """Lay a turn out as the files have it. Discord's ids are texts: not every reader of JSON takes numbers so large."""
    return {
        "id": turn.id,
        "follows": turn.parent_id,
        "server_id": text_or_none(turn.guild_id),
        "channel_id": str(turn.channel_id),
        "author": {"id": str(turn.author_id), "name": turn.author_name},
        "at": moment(turn.created_at_ms),
        "private": turn.private,
        "question": turn.question,
        "files": list(turn.files),
        "about_message_id": text_or_none(turn.about),
        "answer": turn.answer,
        "ended": turn.finish,
        "model": turn.model,
        "tokens": {"prompt": turn.prompt_tokens, "answer": turn.answer_tokens, "estimated": turn.tokens_estimated},
        "question_message_id": text_or_none(turn.question_message_id),
        "answer_message_ids": [str(each) for each in turn.answer_message_ids],
    }


def turn_as_markdown(turn: Turn) -> str:
    """Write a turn down for reading."""
    facts = [" ".join(turn.author_name.split()), moment(turn.created_at_ms), turn.model]
    if turn.private:
        facts.append("private")
    if turn.finish != "complete":
        facts.append(f"ended: {turn.finish}")
    link = jump_link(turn)
    if link is not None:
        facts.append(f"[in Discord]({link})")
    quoted = "\n".join(f"> {line}".rstrip() for line in turn.question.splitlines())
    return f"## {' · '.join(facts)}\n\n{quoted}\n\n{turn.answer}\n"


def jump_link(turn: Turn) -> str | None:
    """Give the address of the question, or of the answer's first message; of private ones there is none that lasts."""
    if turn.private or not turn.message_ids:
        return None
    return f"https://discord.com/channels/{turn.guild_id or '@me'}/{turn.channel_id}/{turn.message_ids[0]}"


def as_json(value: object) -> str:
    """Write JSON that people can read, in any script."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def moment(at_ms: int) -> str:
    """Write a time as `2026-09-01T12:00:00Z`."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def text_or_none(number: int | None) -> str | None:
    """Write an id as a text."""
    return None if number is None else str(number)


async def _gathered(reading: Reading, written: Callable[[Turn], str], between: str, room: int) -> list[str]:
    """Write down as many of the newest turns as fit `room` bytes; the oldest of them first."""
    texts: list[str] = []
    before = NEWEST
    while turns := await reading(before):
        for turn in turns:
            text = written(turn)
            room -= len(text.encode()) + len(between)
            if room < 0:
                return texts[::-1]
            texts.append(text)
            await asyncio.sleep(0)  # a turn may be long
        before = turns[-1].id
    return texts[::-1]


def _json_file(facts: Json, texts: Sequence[str]) -> bytes:
    head = as_json(facts).removesuffix("\n}")
    return f'{head},\n  "turns": [\n{_IN_JSON.join(texts)}\n  ]\n}}\n'.encode()
