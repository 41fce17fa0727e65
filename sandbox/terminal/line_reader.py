"""Lines typed at a terminal or read from a pipe."""

import asyncio
import contextlib
import queue
import sys
import threading
from collections.abc import Callable
from typing import Protocol

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer


class LineReader(Protocol):
    """Reads one line at a time."""

    async def read(self, prompt: str) -> str | None:
        """Return the next line; None at the end of input (Ctrl-D, Ctrl-C)."""
        ...


def open_standard_input(completer: Completer) -> LineReader:
    """Return a reader of standard input: with editing, history and completion where it is a terminal."""
    return TerminalReader(completer) if sys.stdin.isatty() else PipeReader()


class TerminalReader:
    """Reads lines from a terminal."""

    def __init__(self, completer: Completer) -> None:
        self._session: PromptSession[str] = PromptSession(completer=completer, complete_while_typing=False)

    async def read(self, prompt: str) -> str | None:
        """Return the next line; None for Ctrl-D or Ctrl-C."""
        try:
            return await self._session.prompt_async(prompt)
        except (EOFError, KeyboardInterrupt):
            return None


class PipeReader:
    """Reads lines from a pipe or file in a daemon thread, which ends with the program even while it reads."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._requests: queue.SimpleQueue[Callable[[str | None], None]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="standard input", daemon=True).start()

    async def read(self, prompt: str) -> str | None:
        """Return the next line and write it after the prompt, so that the output reads like a conversation."""
        line: asyncio.Future[str | None] = self._loop.create_future()
        self._requests.put(lambda text: None if line.done() else line.set_result(text))
        text = await line
        if text is not None:
            sys.stdout.write(f"{prompt}{text}\n")
            sys.stdout.flush()
        return text

    def _run(self) -> None:
        # Not `sys.stdin`: its lock, held by this thread, would abort the interpreter at its end.
        with open(0, "rb", buffering=0, closefd=False) as stdin:
            rest = b""
            while True:
                deliver = self._requests.get()
                with contextlib.suppress(OSError):  # the same as the end of input
                    while b"\n" not in rest and (data := stdin.read(4096)):
                        rest += data
                line, _, rest = rest.partition(b"\n") if rest else (None, b"", b"")
                with contextlib.suppress(RuntimeError):  # the loop is closed after Ctrl-C
                    self._loop.call_soon_threadsafe(deliver, None if line is None else line.decode(errors="replace"))
