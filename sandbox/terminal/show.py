"""What goes on the sandbox's terminal: lines of our own, and answers that grow while one looks."""

import asyncio
import contextlib
import shutil
import sys
import time
from collections.abc import Callable, Mapping

from sandbox.client.interaction_result import InteractionResult
from sandbox.client.message_result import MessageResult
from sandbox.discord.messages import Message
from sandbox.terminal.live import LiveBlock, Screen
from sandbox.terminal.member_view import MemberView
from sandbox.terminal.styles import Styles

WIDEST = 94
"""Columns; longer lines are hard to read."""


class Show:
    """Writes to a terminal in colour, or plainly where `interactive` is False."""

    def __init__(self, screen: Screen, *, interactive: bool, width: int = WIDEST) -> None:
        self.styles = Styles(coloured=interactive)
        self._screen = screen
        self._interactive = interactive
        self._view = MemberView(self.styles, width=width)

    @classmethod
    def on_standard_output(cls) -> "Show":
        """A show for whoever started the program."""
        width = min(WIDEST, shutil.get_terminal_size().columns - 1)
        return cls(sys.stdout, interactive=sys.stdout.isatty(), width=width)

    def knows(self, names: Callable[[int], str | None]) -> None:
        """Learn what channels, people and roles are called, by their ids."""
        self._view.names = names

    def line(self, text: str = "") -> None:
        """Write a line."""
        self._screen.write(f"{text}\n")
        self._screen.flush()

    def used(self, name: str, place: str, command: str, options: Mapping[str, object]) -> None:
        """Write who used which command, the way a channel shows it."""
        given = "".join(f" {self.styles.dim(f'{key}:')} {_typed(value)}" for key, value in options.items())
        command = self.styles.code(f"/{command}")
        self.line(f"  {self.styles.person(name)} used {command}{given} {self.styles.dim(place)}")

    def message(self, message: Message) -> None:
        """Write a message as it is now, and what it answers."""
        if message.command_name is not None and message.invoker is not None:
            command = self.styles.code(f"/{message.command_name}")
            self.line(f"  {self.styles.person(message.invoker.name)} used {command}")
        for line in self._view.lines([message], now=time.time()):
            self.line(line)

    async def follow(
        self,
        used: InteractionResult | MessageResult,
        done: Callable[[], bool],
        *,
        deadline_s: float,
        fold: int | None = None,
    ) -> None:
        """Draw what answers a command or a message, again and again, until `done`; looks after every change.

        Raises:
            TimeoutError: it was not done within `deadline_s` seconds; what was shown stays.
        """
        block = LiveBlock(self._screen, redraw=self._interactive)

        def look() -> bool:
            if self._interactive or fold is None:  # what is folded away changes, what is written does not
                block.show(self._lines(used, fold))
            return done()

        try:
            await used.changed.until(look, deadline_s=deadline_s, what="the whole answer")
        finally:
            block.finish(self._lines(used, fold))

    async def watch(
        self, used: InteractionResult | MessageResult, done: Callable[[], bool], *, deadline_s: float, quiet_s: float
    ) -> None:
        """Draw what answers a command or a message until it is `done` and has not changed for `quiet_s` seconds.

        Raises:
            TimeoutError: it went on for longer than `deadline_s` seconds; what was shown stays.
        """
        block = LiveBlock(self._screen, redraw=self._interactive)
        seen: list[str] = []

        def changed() -> bool:
            return self._lines(used, None) != seen

        try:
            async with asyncio.timeout(deadline_s):
                while changed() or not done():
                    seen = self._lines(used, None)
                    block.show(seen)
                    with contextlib.suppress(TimeoutError):  # nothing changed: time to see whether it is done
                        await used.changed.until(changed, deadline_s=quiet_s, what="a change")
        finally:
            block.finish(self._lines(used, None))

    def _lines(self, used: InteractionResult | MessageResult, fold: int | None) -> list[str]:
        if used.failed:
            return [f"  {self.styles.bad('The application did not respond')}"]
        return self._view.lines(used.all_messages, now=used.started_at, fold=fold)


def _typed(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
