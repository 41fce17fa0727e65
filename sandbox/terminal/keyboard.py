"""Lines typed at a terminal, read in a thread of their own so that the loop goes on."""

import asyncio
import contextlib
import importlib
import os
import queue
import sys
import threading
from collections.abc import Iterator


class Keyboard:
    """Asks for one line at a time; the thread ends with the program, even while it waits for a key."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._prompts: queue.SimpleQueue[tuple[str, asyncio.Future[str | None]]] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="keyboard", daemon=True).start()

    async def line(self, prompt: str) -> str | None:
        """Show a prompt and wait for a line; None at the end of input (Ctrl-D)."""
        answer: asyncio.Future[str | None] = self._loop.create_future()
        self._prompts.put((prompt, answer))
        return await answer

    def _read(self) -> None:
        ask = input if sys.stdin.isatty() else _Piped().line
        while True:
            prompt, answer = self._prompts.get()
            try:
                line: str | None = ask(prompt)
            except (EOFError, OSError, UnicodeDecodeError):
                line = None
            # The loop may be closed by now, when somebody pressed Ctrl-C: then nobody waits for the line any more.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(_deliver, answer, line)


class _Piped:
    """Lines from a pipe or file, read past Python's own buffer: its lock, held here, would abort the program's end."""

    def __init__(self) -> None:
        self._rest = b""

    def line(self, prompt: str) -> str:
        while b"\n" not in self._rest:
            data = os.read(0, 4096)
            if not data and not self._rest:
                raise EOFError
            self._rest += data or b"\n"
        line, self._rest = self._rest.split(b"\n", 1)
        text = line.decode(errors="replace")
        sys.stdout.write(f"{prompt}{text}\n")  # so that what is written reads like a conversation
        sys.stdout.flush()
        return text


@contextlib.contextmanager
def terminal_kept() -> Iterator[None]:
    """Give line editing and history where there are any, and leave the terminal the way it was found."""
    if not sys.stdin.isatty():
        yield
        return
    with contextlib.suppress(ImportError):
        importlib.import_module("readline")  # importing it is what makes `input` edit and remember
    try:
        import termios
    except ImportError:  # Windows, whose terminal needs no restoring
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _deliver(answer: asyncio.Future[str | None], line: str | None) -> None:
    if not answer.done():
        answer.set_result(line)
