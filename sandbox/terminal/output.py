"""Output on the sandbox's terminal: lines of our own, and answers that are redrawn while they grow."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text
from rich.theme import Theme

from sandbox.client.interaction_result import InteractionResult
from sandbox.client.message_result import MessageResult
from sandbox.discord.messages import Message
from sandbox.terminal.message_view import MessageView

MAX_WIDTH = 94
"""Columns; longer lines are hard to read."""

THEME = Theme(
    {
        "user": "bold cyan",
        "bot": "bold magenta",
        "tag": "bold bright_white on blue",
        "code": "yellow",
        "success": "green",
        "failure": "bold red",
    }
)

Part = str | tuple[str, str]
"""A text, or a text and its style."""


class TerminalOutput:
    """Writes to a terminal in colour; without colour to a pipe or file, where each answer is written when it is final.

    Args:
        file: where to write.
        width: columns; the terminal's by default.
    """

    def __init__(self, file: TextIO | None = None, *, width: int | None = None) -> None:
        self._console = Console(
            file=file or sys.stdout, width=width, theme=THEME, highlight=False, markup=False, emoji=False
        )
        self._view = MessageView(self._console, width=min(MAX_WIDTH, self._console.width - 1))

    def set_names(self, get_name: Callable[[int], str | None]) -> None:
        """Set the function that returns the name of a channel, user or role by id."""
        self._view.get_name = get_name

    def line(self, *parts: Part) -> None:
        """Write a line of texts and styled texts."""
        self._console.print(Text.assemble(*parts), soft_wrap=True)

    def command_used(self, name: str, channel: str, command: str, options: Mapping[str, object]) -> None:
        """Write who used which command, as a channel shows it."""
        given: list[Part] = []
        for key, value in options.items():
            given += [" ", (f"{key}:", "dim"), f" {_format_value(value)}"]
        self.line("  ", (name, "user"), " used ", (f"/{command}", "code"), *given, " ", (channel, "dim"))

    def message(self, message: Message) -> None:
        """Write a message as it is now, and the command that it answers."""
        if message.command_name is not None and message.invoker is not None:
            self.line("  ", (message.invoker.name, "user"), " used ", (f"/{message.command_name}", "code"))
        self._print(self._view.lines([message], now=time.time()))

    async def follow(
        self,
        result: InteractionResult | MessageResult,
        done: Callable[[], bool],
        *,
        deadline_s: float,
        fold: int | None = None,
    ) -> None:
        """Draw a result again after every change until `done`.

        Raises:
            TimeoutError: it was not done within `deadline_s` seconds; what was drawn stays.
        """
        with self._live(result, fold) as draw:

            def look() -> bool:
                draw()
                return done()

            await result.changed.until(look, deadline_s=deadline_s, what="the whole answer")

    async def watch(
        self,
        result: InteractionResult | MessageResult,
        done: Callable[[], bool],
        *,
        deadline_s: float,
        quiet_s: float,
    ) -> None:
        """Draw a result until it is `done` and has not changed for `quiet_s` seconds.

        Raises:
            TimeoutError: it was not done within `deadline_s` seconds; what was drawn stays.
        """
        seen: list[Text] = []

        def changed() -> bool:
            return self._lines(result, None) != seen

        with self._live(result, None) as draw:
            async with asyncio.timeout(deadline_s):
                while changed() or not done():
                    seen = self._lines(result, None)
                    draw()
                    with contextlib.suppress(TimeoutError):  # nothing changed: look whether it is done
                        await result.changed.until(changed, deadline_s=quiet_s, what="a change")

    @contextlib.contextmanager
    def _live(self, result: InteractionResult | MessageResult, fold: int | None) -> Iterator[Callable[[], None]]:
        """Yield a function that redraws the result; at the end it is drawn in full. A pipe gets only that."""
        if not self._console.is_terminal:
            try:
                yield lambda: None
            finally:
                self._print(self._lines(result, fold))
            return
        with Live(console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:

            def draw() -> None:
                # A block that is higher than the screen can't be redrawn: until the end only its last lines are shown.
                lines = self._lines(result, fold)[-(self._console.height - 1) :]
                live.update(Group(*lines), refresh=True)

            try:
                yield draw
            finally:
                live.update(Group(*self._lines(result, fold)))

    def _lines(self, result: InteractionResult | MessageResult, fold: int | None) -> list[Text]:
        if result.failed:
            return [Text.assemble("  ", ("The application did not respond", "failure"))]
        return self._view.lines(result.all_messages, now=result.started_at, fold=fold)

    def _print(self, lines: Sequence[Text]) -> None:
        for line in lines:
            self._console.print(line, soft_wrap=True)


def _format_value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
