"""Kills the bot at random moments under load, repeatedly, and checks that nothing is lost or left behind.

    python -m tests.soak.crash_recovery --kills 100

After each kill: the database is intact and has every turn that was shown completely. After the start that follows:
every message is either complete or says that it was interrupted, and nothing is reserved or in flight any more.
"""

import argparse
import asyncio
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from bot.messages import answers
from bot.messages.render import render
from sandbox.client.interaction_result import InteractionResult
from sandbox.client.message_result import MessageResult
from sandbox.client.user import ClientUser
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Slow
from sandbox.sandbox import Sandbox
from tests.support.e2e import (
    DEADLINE_S,
    INTERRUPTED,
    INTERRUPTED_BEFORE_TEXT,
    PROGRESS_MARKER,
    UNLIMITED,
    question_contains,
)

OMISSION = f"-# {render(answers.only_newest_history_fits(2)).partition('2')[0]}"
USERS = 12
LONGEST_ROUND_S = 1.5
POLL_INTERVAL_S = 0.02


@dataclass
class Use:
    """One command that was run or message that was sent, and the complete answer if that is text."""

    used: InteractionResult | MessageResult
    command: str
    complete: str


@dataclass
class SoakResult:
    """How all commands ended, and every promise that was broken."""

    kills: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        ends = ", ".join(f"{count} {end}" for end, count in sorted(self.ends.items()))
        return f"{self.kills} kills: {ends}; {len(self.broken)} broken promises"


async def kill_repeatedly(kills: int, seed: int, *, verbose: bool = False) -> SoakResult:
    """Kill the bot `kills` times at moments that `seed` decides, and return how the commands ended."""
    rng, result = random.Random(seed), SoakResult()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        async with Sandbox(UNLIMITED, directory=Path(directory)) as sandbox:
            sandbox.openai.faults.always(CallKind.CHAT, Slow(pace_s=0.02), when=question_contains("slowly"))
            users = [sandbox.join(f"Member {number}") for number in range(USERS)]
            database = Path(directory, "data", "bot.db")
            for number in range(kills):
                uses = [await _use(sandbox, user, f"{number}-{i}", rng) for i, user in enumerate(users)]
                await asyncio.sleep(rng.uniform(0, LONGEST_ROUND_S))
                await sandbox.bot_process.kill()
                saved = _check_after_kill(database, uses, result)
                await sandbox.start()
                await _wait_until_recovered(database)
                for use in uses:
                    _count_end(use, result)
                _check_after_recovery(database, saved, result)
                result.kills += 1
                if verbose:
                    sys.stdout.write(f"{result}\n")
                    sys.stdout.flush()
    return result


async def _use(sandbox: Sandbox, user: ClientUser, name: str, rng: random.Random) -> Use:
    command = rng.choice(["/ask", "/ask", "/ask", "mention", "mention", "/say", "/draw"])
    if command == "/say":
        return Use(await user.command("/say", text=f"Hello, {name}. " * 20), command, "")
    if command == "/draw":
        return Use(await user.command("/draw", prompt=f"a boat, {name}"), command, "")
    pace = rng.choice(["slowly", "quickly"])
    words = [f"word{number} " for number in range(rng.choice([20, 200, 700]))]
    about = f"({name}) {pace}"
    sandbox.openai.script(words, when=question_contains(about))
    where = rng.choice([None, "#random", "a thread", "dm"])
    if command == "mention":
        return Use(await user.asks(about, channel=where), command, "".join(words))
    used = await user.command("/ask", prompt=about, private=rng.random() < 0.3, channel=where)
    return Use(used, command, "".join(words))


def _check_after_kill(database: Path, uses: list[Use], result: SoakResult) -> set[int]:
    """Check the database of the killed bot; return the ids of its turns."""
    with closing(sqlite3.connect(database)) as connection:
        if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            result.broken.append("the database is damaged")
        saved = {turn for (turn,) in connection.execute("SELECT id FROM turns")}
        answered = {answer for (answer,) in connection.execute("SELECT answer FROM turns")}
    for use in uses:
        if use.complete and _is_complete(use) and use.complete not in answered:
            result.broken.append("an answer was shown completely and not stored")
    return saved


async def _wait_until_recovered(database: Path) -> None:
    """Wait until the new process has taken over the dead one and has marked each of its answers.

    The dead process's row goes when its answers are taken over, an answer's row when its messages are marked.

    Raises:
        TimeoutError: that did not happen in time.
    """
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if not _count_unrecovered(database):
            return
        await asyncio.sleep(POLL_INTERVAL_S)
    raise TimeoutError("recovery")


def _count_unrecovered(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        (count,) = connection.execute(
            "SELECT (SELECT count(*) FROM inflight_answers) + (SELECT count(*) - 1 FROM processes)"
        ).fetchone()
    return int(count)


def _count_end(use: Use, result: SoakResult) -> None:
    """Count how a command ended for its user."""
    used = use.used
    if not used.responded:
        end = "never acknowledged"
    elif used.text.endswith(INTERRUPTED):
        end = "marked"
    elif used.text == INTERRUPTED_BEFORE_TEXT:
        end = "interrupted before a word"
    elif _is_complete(use):
        end = "complete"
    else:
        end = "left unfinished"
        result.broken.append(f"{use.command} was left unfinished: {used.text!r}"[:600])
    result.ends[end] += 1


def _is_complete(use: Use) -> bool:
    if use.used.thinking or PROGRESS_MARKER in use.used.text:
        return False
    if use.complete:
        return "".join(use.used.text.partition(OMISSION)[0].split()) == "".join(use.complete.split())
    return any(message.attachments for message in use.used.messages)


def _check_after_recovery(database: Path, saved: set[int], result: SoakResult) -> None:
    """Check the database of a bot that was started again and is idle."""
    with closing(sqlite3.connect(database)) as connection:
        deadline = time.monotonic() + DEADLINE_S
        while (left := _count_left(connection)) and time.monotonic() < deadline:
            time.sleep(0.02)
        turns = {turn for (turn,) in connection.execute("SELECT id FROM turns")}
    if left:
        result.broken.append(f"left behind: {left}")
    if not saved <= turns:
        result.broken.append(f"{len(saved - turns)} settled turns were lost")
    if len(files := list(database.parent.glob("*-alive-*"))) != 1:
        result.broken.append(f"{len(files)} processes are said to live")


def _count_left(connection: sqlite3.Connection) -> dict[str, int]:
    """Count what only an in-flight answer may hold."""
    counts = {
        "reservations": "SELECT count(*) FROM reservations WHERE freed_at_ms IS NULL",
        "reserved": "SELECT coalesce(sum(reserved), 0) FROM usage_counters",
        "in-flight answers": "SELECT count(*) FROM inflight_answers",
        "dead processes": "SELECT count(*) - 1 FROM processes",
    }
    found = {name: connection.execute(sql).fetchone()[0] for name, sql in counts.items()}
    return {name: count for name, count in found.items() if count}


def main() -> int:
    """Run from the command line; return 0 if every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.crash_recovery", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    chosen = parser.parse_args()
    sys.stdout.write(f"seed {chosen.seed}\n")
    result = asyncio.run(kill_repeatedly(chosen.kills, chosen.seed, verbose=True))
    for promise in result.broken:
        sys.stdout.write(f"BROKEN: {promise}\n")
    return 1 if result.broken else 0


if __name__ == "__main__":
    sys.exit(main())
