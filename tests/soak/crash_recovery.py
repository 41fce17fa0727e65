"""Kill the bot at random moments under load, again and again, and see that nothing is lost or left behind.

    python -m tests.soak.crash_recovery --kills 100

After each kill: the database is sound and has every turn whose last words were shown; after the start that follows:
every message is either whole or says that it was interrupted, and nothing is reserved or under way any more.
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

from sandbox.client.interaction_result import InteractionResult
from sandbox.client.message_result import MessageResult
from sandbox.client.user import ClientUser
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Slow
from sandbox.sandbox import Sandbox
from tests.support.e2e import DEADLINE_S, PROGRESS_MARKER, UNLIMITED, question_contains

MARK = "-# I was interrupted here, so this is not the whole answer."
BEFORE_A_WORD = "I was interrupted before I was done. Please try again."
OMISSION = "-# I had only the last"
AT_ONCE = 12
LONGEST_ROUND_S = 1.5


@dataclass
class Use:
    """One command that was used or message that was written, and the whole of the answer where that is text."""

    used: InteractionResult | MessageResult
    command: str
    whole: str


@dataclass
class Tally:
    """What came of all commands, and every promise broken."""

    kills: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        ends = ", ".join(f"{count} {end}" for end, count in sorted(self.ends.items()))
        return f"{self.kills} kills: {ends}; {len(self.broken)} broken promises"


async def kill_again_and_again(kills: int, seed: int, *, say: bool = False) -> Tally:
    """Kill the bot so many times at moments that `seed` decides; tell what came of it."""
    dice, tally = random.Random(seed), Tally()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        async with Sandbox(UNLIMITED, directory=Path(directory)) as sandbox:
            sandbox.openai.faults.always(CallKind.CHAT, Slow(pace_s=0.02), when=question_contains("slowly"))
            people = [sandbox.join(f"Member {number}") for number in range(AT_ONCE)]
            database = Path(directory, "data", "bot.db")
            for number in range(kills):
                uses = [await _use(sandbox, person, f"{number}-{i}", dice) for i, person in enumerate(people)]
                await asyncio.sleep(dice.uniform(0, LONGEST_ROUND_S))
                await sandbox.bot_process.kill()
                kept = _look_at_what_is_left(database, uses, tally)
                lines = len(sandbox.bot_process.log)
                await sandbox.start()
                await _until_recovered(sandbox, lines)
                for use in uses:
                    _judge(use, tally)
                _look_at_what_was_tidied(database, kept, tally)
                tally.kills += 1
                if say:
                    sys.stdout.write(f"{tally}\n")
                    sys.stdout.flush()
    return tally


async def _use(sandbox: Sandbox, person: ClientUser, name: str, dice: random.Random) -> Use:
    command = dice.choice(["/ask", "/ask", "/ask", "mention", "mention", "/say", "/draw"])
    if command == "/say":
        return Use(await person.command("/say", text=f"Hello, {name}. " * 20), command, "")
    if command == "/draw":
        return Use(await person.command("/draw", prompt=f"a boat, {name}"), command, "")
    pace = dice.choice(["slowly", "quickly"])
    words = [f"word{number} " for number in range(dice.choice([20, 200, 700]))]
    about = f"({name}) {pace}"
    sandbox.openai.script(words, when=question_contains(about))
    where = dice.choice([None, "#random", "a thread", "dm"])
    if command == "mention":
        return Use(await person.asks(about, channel=where), command, "".join(words))
    used = await person.command("/ask", prompt=about, private=dice.random() < 0.3, channel=where)
    return Use(used, command, "".join(words))


def _look_at_what_is_left(database: Path, uses: list[Use], tally: Tally) -> set[int]:
    """Check the database of a bot that is dead; return the turns in it."""
    with closing(sqlite3.connect(database)) as connection:
        if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            tally.broken.append("the database is damaged")
        kept = {turn for (turn,) in connection.execute("SELECT id FROM turns")}
        answered = {answer for (answer,) in connection.execute("SELECT answer FROM turns")}
    for use in uses:
        if use.whole and _is_whole(use) and use.whole not in answered:
            tally.broken.append("an answer was shown to its end and not kept")
    return kept


async def _until_recovered(sandbox: Sandbox, lines: int) -> None:
    """Wait until the new process has dealt with every answer that the dead one was at work on."""

    def recovered() -> bool:
        log = list(sandbox.bot_process.log)[lines:]
        gone = [int(line.rpartition("answers=")[2]) for line in log if "dead process taken over" in line]
        done = [line for line in log if "interrupted answer answer=" in line or "answer out of reach" in line]
        return bool(gone) and len(done) >= sum(gone)

    await sandbox.bot_process.changed.until(recovered, deadline_s=DEADLINE_S, what="recovery")


def _judge(use: Use, tally: Tally) -> None:
    """Tell how a command ended for the person who used it."""
    used = use.used
    if not used.responded:
        end = "never acknowledged"
    elif used.text.endswith(MARK):
        end = "marked"
    elif used.text == BEFORE_A_WORD:
        end = "interrupted before a word"
    elif _is_whole(use):
        end = "whole"
    else:
        end = "left unfinished"
        tally.broken.append(f"{use.command} was left unfinished: {used.text!r}"[:600])
    tally.ends[end] += 1


def _is_whole(use: Use) -> bool:
    if use.used.thinking or PROGRESS_MARKER in use.used.text:
        return False
    if use.whole:
        return "".join(use.used.text.partition(OMISSION)[0].split()) == "".join(use.whole.split())
    return any(message.attachments for message in use.used.messages)


def _look_at_what_was_tidied(database: Path, kept: set[int], tally: Tally) -> None:
    """Check the database of a bot that has started again and has nothing to do."""
    with closing(sqlite3.connect(database)) as connection:
        deadline = time.monotonic() + DEADLINE_S
        while (left := _left(connection)) and time.monotonic() < deadline:
            time.sleep(0.02)
        turns = {turn for (turn,) in connection.execute("SELECT id FROM turns")}
    if left:
        tally.broken.append(f"left behind: {left}")
    if not kept <= turns:
        tally.broken.append(f"{len(kept - turns)} settled turns were lost")
    if len(files := list(database.parent.glob("*-alive-*"))) != 1:
        tally.broken.append(f"{len(files)} processes are said to live")


def _left(connection: sqlite3.Connection) -> dict[str, int]:
    """Count what only an answer under way may hold."""
    counts = {
        "reservations": "SELECT count(*) FROM reservations WHERE freed_at_ms IS NULL",
        "reserved": "SELECT coalesce(sum(reserved), 0) FROM usage_counters",
        "running answers": "SELECT count(*) FROM inflight_answers",
        "dead processes": "SELECT count(*) - 1 FROM processes",
    }
    found = {name: connection.execute(sql).fetchone()[0] for name, sql in counts.items()}
    return {name: count for name, count in found.items() if count}


def main() -> int:
    """Run from the command line; 0 where every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.crash_recovery", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    chosen = parser.parse_args()
    sys.stdout.write(f"seed {chosen.seed}\n")
    tally = asyncio.run(kill_again_and_again(chosen.kills, chosen.seed, say=True))
    for promise in tally.broken:
        sys.stdout.write(f"BROKEN: {promise}\n")
    return 1 if tally.broken else 0


if __name__ == "__main__":
    sys.exit(main())
