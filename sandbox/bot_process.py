"""The unchanged bot as a child process, with its own settings and none of the operator's environment."""

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from sandbox.change_signal import ChangeSignal

CHECKOUT = Path(__file__).resolve().parents[1]
INHERITED = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH"),
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "VIRTUAL_ENV"),
)
LOG_LINES = 20_000
LONGEST_LINE = 64 * 1024
STOP_WITHIN_S = 20.0


class BotProcessDied(Exception):
    """The bot ended before it was ready; the text has the end of its standard error."""


class BotProcess:
    """Runs `python -m bot` in a directory, where it can be stopped, killed and started again.

    Args:
        directory: its working directory, without a `.env`.
        settings: the bot's settings; besides these its environment has only what any program needs.
        arguments: what follows `python`.
    """

    def __init__(
        self, directory: Path, settings: Mapping[str, str], *, arguments: tuple[str, ...] = ("-m", "bot")
    ) -> None:
        self.directory = directory
        self.settings = dict(settings)
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        """Standard error, line by line, over all starts."""
        self.output: deque[str] = deque(maxlen=LOG_LINES)
        """Standard output, line by line, over all starts."""
        self.changed = ChangeSignal()
        """Notified for every new line on either stream."""
        self.exit_status: int | None = None
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None
        self._readers: list[asyncio.Task[None]] = []
        self._ended: asyncio.Task[int] | None = None

    @property
    def started(self) -> bool:
        """Whether it was ever started."""
        return self._process is not None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """The process id while it lives."""
        return self._process.pid if self._process is not None and self.running else None

    async def start(self) -> None:
        """Start the process, without waiting until the bot is ready."""
        if self.running:
            raise RuntimeError("the bot runs already")
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        environment |= {"PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1", **self.settings}
        self.exit_status = None
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self._arguments,
            cwd=self.directory,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=os.name == "posix",  # Ctrl-C at the prompt is for the sandbox, which then stops the bot
        )
        pipes = ((self._process.stderr, self.log), (self._process.stdout, self.output))
        self._readers = [asyncio.create_task(self._read(pipe, lines)) for pipe, lines in pipes if pipe is not None]
        self._ended = asyncio.create_task(self._process.wait())

    async def wait(self) -> int:
        """Wait for the end of the process and return its exit status (negative: the signal that ended it)."""
        if self._ended is None:
            raise RuntimeError("the bot was never started")
        status = await asyncio.shield(self._ended)
        await asyncio.gather(*self._readers)
        self.exit_status = status
        return status

    async def stop(self, *, within_s: float = STOP_WITHIN_S) -> int:
        """End it with SIGTERM and return its exit status.

        Raises:
            TimeoutError: it did not end in time and was killed.
        """
        if self._process is not None and self.running:
            self._process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.wait(), within_s)
        except TimeoutError:
            await self.kill()
            raise TimeoutError(f"the bot did not stop within {within_s:g} s") from None

    async def kill(self) -> int:
        """Kill it and return its exit status."""
        if self._process is not None and self.running:
            self._process.kill()
        return await self.wait()

    def exit_error(self) -> BotProcessDied:
        """Return an error with its exit status and the last lines of its standard error."""
        tail = "\n".join(list(self.log)[-60:]) or "(nothing on standard error)"
        return BotProcessDied(f"the bot ended with status {self.exit_status}:\n{tail}")

    async def until_logged(self, text: str, *, deadline_s: float = 10.0) -> str:
        """Wait for a line on standard error that contains `text` and return it; earlier lines count.

        Raises:
            TimeoutError: none came in time.
        """
        return await self.changed.until(
            lambda: next((line for line in self.log if text in line), None),
            deadline_s=deadline_s,
            what=f"a line with {text!r}",
        )

    async def _read(self, pipe: asyncio.StreamReader, lines: deque[str]) -> None:
        """Collect a stream's lines; overlong ones are cut."""
        rest = b""
        while chunk := await pipe.read(1 << 16):
            *whole, rest = (rest + chunk).split(b"\n")
            lines.extend(line.decode(errors="replace").rstrip("\r") for line in whole)
            if len(rest) > LONGEST_LINE:
                lines.append(rest.decode(errors="replace"))
                rest = b""
            self.changed.notify()
        if rest:
            lines.append(rest.decode(errors="replace"))
        self.changed.notify()
