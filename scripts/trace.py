"""Count the files and functions that run for one request of each kind: `python -m scripts.trace`.

The bot runs in the sandbox, under Python's profiler. Each request is made five times after one that warms caches, and
the run with the fewest files counts. What runs without a request too, each second, is no part of one, and a rarer
background loop is in few of the runs. Functions are counted once, by file and qualified name, over all threads, from
the event until nothing has happened for a while. `--files` lists the files of each request.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from sandbox.bot_process import BotProcess
from sandbox.client.user import ClientUser
from sandbox.sandbox import Sandbox
from tests.support.e2e import ask, mention, run_command
from tests.support.listening import in_the_lounge, silence

ROOT = Path(__file__).resolve().parent.parent
COUNTED = (f"{ROOT}/bot/", f"{ROOT}/cogs/")
RUNS = 5
QUIET_S = 0.5
"""With nothing from the bot for so long a request is over."""

IDLE_S = 1.5
"""Longer than the period of what runs each second."""

IDLE_SPANS = 2
DEADLINE_S = 60.0
RESULT = "TRACE_RESULT"


class Recorder:
    """Records in the bot's process which functions run: SIGUSR1 begins a recording, SIGUSR2 writes and ends it."""

    def __init__(self, result: Path) -> None:
        self._result = result
        self._seen: set[CodeType] = set()
        self._recording = False

    def install(self) -> None:
        """Record from the next SIGUSR1 on, in all threads."""
        signal.signal(signal.SIGUSR1, self._begin)
        signal.signal(signal.SIGUSR2, self._end)
        threading.setprofile(self._record)
        sys.setprofile(self._record)

    def _begin(self, _number: int, _frame: FrameType | None) -> None:
        self._seen.clear()
        self._recording = True

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._recording = False
        found = sorted({(code.co_filename, code.co_qualname) for code in list(self._seen)})
        part = self._result.with_suffix(".part")
        part.write_text(json.dumps(found))
        part.replace(self._result)
        os.write(1, b"trace written\n")  # for the one who waits for the file

    def _record(self, frame: FrameType, event: str, _argument: Any) -> None:  # Any: the profiler's
        if event == "call" and self._recording:
            self._seen.add(frame.f_code)


def run_bot() -> None:
    """Run `python -m bot` with a recorder."""
    Recorder(Path(os.environ.pop(RESULT))).install()
    sys.argv = ["bot"]
    import runpy

    runpy.run_module("bot", run_name="__main__", alter_sys=True)


@dataclass(frozen=True)
class Trace:
    """What ran for one request: functions as (file, qualified name)."""

    functions: frozenset[tuple[str, str]]

    @property
    def files(self) -> list[str]:
        """The files of the functions, relative to the repository."""
        return sorted({file for file, _ in self.functions})

    def without(self, others: "Trace") -> "Trace":
        """Return what is not in `others`."""
        return Trace(self.functions - others.functions)


def build_trace(recorded: Iterable[tuple[str, str]]) -> Trace:
    """Return the bot's own functions of those recorded, without lambdas and comprehensions, which are parts of others.

    `recorded` has absolute paths and qualified names.
    """
    ours = ((file, name) for file, name in recorded if file.startswith(COUNTED) and not name.endswith(">"))
    return Trace(frozenset((str(Path(file).relative_to(ROOT)), name) for file, name in ours))


@dataclass(frozen=True)
class Request:
    """A kind of request: its name, and a coroutine function that makes it and waits for its end."""

    name: str
    make: Callable[[Sandbox, ClientUser], Awaitable[object]]


async def _say_in_voice(sandbox: Sandbox, member: ClientUser) -> None:
    heard = len(sandbox.voice.recording())
    await run_command(member, "/say", text="One sentence.")
    await silence(sandbox, since=heard)


REQUESTS = (
    Request("/ask", lambda _, member: ask(member, "What is a lease?")),
    Request("mention", lambda _, member: mention(member, "what is a lease?")),
    Request("/say in voice", _say_in_voice),
    Request("/draw", lambda _, member: run_command(member, "/draw", prompt="a lighthouse")),
    Request("/quota set", lambda sandbox, _: _set_quota(sandbox)),
)


async def _set_quota(sandbox: Sandbox) -> None:
    moderator = sandbox.user("Mo")
    await run_command(moderator, "/quota set", scope="server", kind="messages", limit="50", per="day")


class TracedBot:
    """The bot with a recorder, in a sandbox."""

    def __init__(self, sandbox: Sandbox, process: BotProcess, result: Path) -> None:
        self._sandbox = sandbox
        self._process = process
        self._result = result

    async def trace(self, request: Request, member: ClientUser) -> Trace:
        """Return what runs for a request only, in the run with the fewest files."""
        await request.make(self._sandbox, member)
        idle = [await self._record(asyncio.sleep(IDLE_S)) for _ in range(IDLE_SPANS)]
        background = Trace(frozenset.intersection(*(span.functions for span in idle)))
        runs = [await self._record(self._make(request, member)) for _ in range(RUNS)]
        return min((run.without(background) for run in runs), key=lambda trace: len(trace.files))

    async def _make(self, request: Request, member: ClientUser) -> None:
        await request.make(self._sandbox, member)
        await asyncio.sleep(QUIET_S)

    async def _record(self, work: Awaitable[None]) -> Trace:
        """Return what runs in the bot while `work` does."""
        self._result.unlink(missing_ok=True)
        self._signal(signal.SIGUSR1)
        await work
        self._signal(signal.SIGUSR2)
        await self._process.changed.until(self._result.exists, deadline_s=DEADLINE_S, what="the trace")
        return build_trace((file, name) for file, name in json.loads(self._result.read_text()))

    def _signal(self, number: signal.Signals) -> None:
        pid = self._process.pid
        if pid is None:
            raise self._process.exit_error()
        os.kill(pid, number)


async def trace_all() -> dict[str, Trace]:
    """Return what runs for a request of each kind, by its name."""
    traces: dict[str, Trace] = {}
    with tempfile.TemporaryDirectory(prefix="trace-") as directory:
        result = Path(directory) / "result.json"
        async with Sandbox() as sandbox:
            await sandbox.bot_process.stop()
            settings = {**sandbox.bot_process.settings, RESULT: str(result)}
            arguments = ("-m", "scripts.trace", "--bot")
            process = BotProcess(sandbox.bot_process.directory, settings, arguments=arguments)
            await sandbox.start(process)
            try:
                bot = TracedBot(sandbox, process, result)
                for request in REQUESTS:
                    member = sandbox.join(f"Member {request.name}")  # of their own: the rate limit is per member
                    if request.make is _say_in_voice:
                        await in_the_lounge(sandbox, member)
                    traces[request.name] = await bot.trace(request, member)
            finally:
                await process.stop()
    return traces


def format_table(traces: dict[str, Trace]) -> str:
    """Return a Markdown table of the files and functions of each request."""
    rows = [f"| {name} | {len(trace.files)} | {len(trace.functions)} |" for name, trace in traces.items()]
    return "\n".join(["| request | files | functions |", "| --- | --- | --- |", *rows])


def main() -> None:
    """Print the table and, with `--files`, the files of each request."""
    parser = argparse.ArgumentParser(prog="python -m scripts.trace", description=__doc__.partition("\n")[0])
    parser.add_argument("--files", action="store_true", help="list the files of each request")
    parser.add_argument("--bot", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.bot:
        run_bot()
        return
    traces = asyncio.run(trace_all())
    sys.stdout.write(format_table(traces) + "\n")
    if chosen.files:
        for name, trace in traces.items():
            sys.stdout.write("\n  ".join([f"\n{name}:", *trace.files]) + "\n")


if __name__ == "__main__":
    main()
