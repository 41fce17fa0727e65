"""Stored turns as files: JSON as docs/reference/history-export.md describes it, or Markdown to read.

Turns are added from the newest back until a file is full; in the file the oldest comes first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from bot.store.turn_reader import NEWEST
from bot.store.turns import Turn

MAX_BYTES: Final = 10 * 2**20
"""Discord allows some members more, but takes no more than 25 MiB in one request."""

VERSION: Final = 1
"""Of the JSON format; goes up when something in it changes its meaning."""

Json = dict[str, object]

LoadBefore = Callable[[int], Awaitable[Sequence[Turn]]]
"""Returns turns older than the one with this id, newest first; none where there are no more."""

_JSON_SEPARATOR: Final = ",\n"
_MARKDOWN_SEPARATOR: Final = "\n---\n\n"


@dataclass(frozen=True, slots=True)
class Export:
    """A file with `turns` of the `total` stored turns; `others_left_out` other rows did not fit it."""

    filename: str
    data: bytes
    turns: int
    total: int
    others_left_out: int = 0


async def build_json_file(name: str, facts: Json, total: int, load_before: LoadBefore, max_bytes: int) -> Export:
    """Return a JSON file of at most `max_bytes`: `facts` about it, then the turns."""
    counts: Json = {"turns_kept": total, "turns_in_file": total}
    max_bytes = min(max_bytes, MAX_BYTES) - len(_encode_file({**facts, **counts}, []))
    texts = await _write_newest(load_before, lambda turn: encode_json(turn_to_json(turn)), _JSON_SEPARATOR, max_bytes)
    data = _encode_file({**facts, **counts, "turns_in_file": len(texts)}, texts)
    return Export(f"{name}.json", data, len(texts), total)


async def build_markdown_file(name: str, heading: str, total: int, load_before: LoadBefore, max_bytes: int) -> Export:
    """Return a Markdown file of at most `max_bytes`: `heading`, then the turns."""
    head = f"{heading}\n\n"
    texts = await _write_newest(
        load_before, format_turn_markdown, _MARKDOWN_SEPARATOR, min(max_bytes, MAX_BYTES) - len(head.encode())
    )
    return Export(f"{name}.md", (head + _MARKDOWN_SEPARATOR.join(texts)).encode(), len(texts), total)


def turn_to_json(turn: Turn) -> Json:
    """Return a turn as in the files. Discord's ids are texts: not every JSON reader takes numbers so large."""
    return {
        "id": turn.id,
        "follows": turn.parent_id,
        "server_id": format_id(turn.guild_id),
        "channel_id": str(turn.channel_id),
        "author": {"id": str(turn.author_id), "name": turn.author_name},
        "at": format_time(turn.created_at_ms),
        "private": turn.private,
        "question": turn.question,
        "files": list(turn.files),
        "about_message_id": format_id(turn.about_message_id),
        "answer": turn.answer,
        "ended": turn.finish_reason,
        "model": turn.model,
        "tokens": {"prompt": turn.prompt_tokens, "answer": turn.answer_tokens, "estimated": turn.tokens_estimated},
        "question_message_id": format_id(turn.question_message_id),
        "answer_message_ids": [str(each) for each in turn.answer_message_ids],
    }


def format_turn_markdown(turn: Turn) -> str:
    """Return a turn as Markdown to read."""
    facts = [" ".join(turn.author_name.split()), format_time(turn.created_at_ms), turn.model]
    if turn.private:
        facts.append("private")
    if turn.finish_reason != "complete":
        facts.append(f"ended: {turn.finish_reason}")
    link = build_jump_link(turn)
    if link is not None:
        facts.append(f"[in Discord]({link})")
    quoted = "\n".join(f"> {line}".rstrip() for line in turn.question.splitlines())
    return f"## {' · '.join(facts)}\n\n{quoted}\n\n{turn.answer}\n"


def build_jump_link(turn: Turn) -> str | None:
    """Return the link to the question, or to the answer's first message; of private ones there is none that lasts."""
    if turn.private or not turn.message_ids:
        return None
    return f"https://discord.com/channels/{turn.guild_id or '@me'}/{turn.channel_id}/{turn.message_ids[0]}"


def encode_json(value: object) -> str:
    """Return JSON that people can read, in any script."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def format_time(at_ms: int) -> str:
    """Return a time as `2026-09-01T12:00:00Z`."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_id(number: int | None) -> str | None:
    """Return an id as a text; None for none."""
    return None if number is None else str(number)


async def _write_newest(
    load_before: LoadBefore, format_turn: Callable[[Turn], str], separator: str, max_bytes: int
) -> list[str]:
    """Return as many of the newest turns as fit `max_bytes`; the oldest of them first."""
    texts: list[str] = []
    before = NEWEST
    while turns := await load_before(before):
        for turn in turns:
            text = format_turn(turn)
            max_bytes -= len(text.encode()) + len(separator)
            if max_bytes < 0:
                return texts[::-1]
            texts.append(text)
            await asyncio.sleep(0)  # a turn may be long
        before = turns[-1].id
    return texts[::-1]


def _encode_file(facts: Json, texts: Sequence[str]) -> bytes:
    head = encode_json(facts).removesuffix("\n}")
    return f'{head},\n  "turns": [\n{_JSON_SEPARATOR.join(texts)}\n  ]\n}}\n'.encode()
