"""What end-to-end tests read off the sandbox: what a command cost, what was sent, what is stored."""

import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from sandbox.client.interaction_result import InteractionResult
from sandbox.client.user import ChannelRef, ClientUser
from sandbox.discord.traffic_log import HttpExchange
from sandbox.sandbox import Sandbox

_AMOUNT = re.compile(r"^- (?P<kind>[a-z ]+): (?P<used>[\d,]+) ", re.MULTILINE)


async def usage(person: ClientUser, where: ChannelRef = None) -> Mapping[str, int]:
    """What `/usage` says is gone, by kind; the server's number (in direct messages: theirs) where there are two."""
    shown = await (await person.command("/usage", channel=where)).until_answered()
    return {found["kind"]: int(found["used"].replace(",", "")) for found in _AMOUNT.finditer(shown.text)}


def sent_for(sandbox: Sandbox, used: InteractionResult) -> list[HttpExchange]:
    """What the bot sent for one interaction, in order; the acknowledgement first."""
    return sandbox.traffic_log.find(lambda entry: used.interaction.token in entry.path)


def edits_of(sandbox: Sandbox, used: InteractionResult) -> list[HttpExchange]:
    """What the bot sent after the acknowledgement: edits and follow-ups."""
    return [entry for entry in sent_for(sandbox, used) if "/callback" not in entry.path]


def left_in_bucket(entry: HttpExchange) -> int:
    """What an answer's header says is left for further requests."""
    return int(entry.headers["X-RateLimit-Remaining"])


def columns_with(directory: Path, number: int) -> list[str]:
    """Name every column of every table of a bot's database that has an id in it, as a number or within a text.

    Left out is the row of an answer that is under way: it goes a moment after the last edit, in a batch of its own.
    """
    found = []
    with closing(sqlite3.connect(f"file:{directory / 'data/bot.db'}?mode=ro", uri=True)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        assert "turns" in tables
        for table in sorted(set(tables) - {"inflight_answers"}):
            for column in [row[1] for row in database.execute(f"PRAGMA table_info({table})")]:
                sql = f"SELECT count(*) FROM {table} WHERE instr(CAST({column} AS TEXT), ?)"
                if database.execute(sql, (str(number),)).fetchone()[0]:
                    found.append(f"{table}.{column}")
    return found


def questions(text: str) -> list[str]:
    """Return the questions that `/history show` shows."""
    return [line.removeprefix("> ") for line in text.splitlines() if line.startswith("> ")]
