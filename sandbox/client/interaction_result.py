"""What a user sees of their interaction: thinking, messages, or that the bot did not respond."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from sandbox.change_signal import ChangeSignal
from sandbox.discord.interactions import CallbackType, Interaction
from sandbox.discord.messages import Message
from sandbox.discord.snowflakes import Now
from sandbox.json_object import Json


class NotAcknowledged(Exception):
    """The bot did not respond within the deadline."""


@dataclass(frozen=True, slots=True)
class DisplayedMessage:
    """A message at one time: its text and its filenames."""

    id: int
    text: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that is shown at one time; `after_s` is in seconds since the interaction."""

    after_s: float
    thinking: bool
    failed: bool
    private: bool
    messages: tuple[DisplayedMessage, ...]


class InteractionResult:
    """The result of a command, button or modal as its user sees it."""

    def __init__(self, interaction: Interaction, now: Now) -> None:
        self.interaction = interaction
        self._now = now

    @property
    def changed(self) -> ChangeSignal:
        """Notified for every change."""
        return self.interaction.changed

    @property
    def all_messages(self) -> list[Message]:
        """The messages including "thinking…"."""
        return self.interaction.messages

    @property
    def started_at(self) -> float:
        """When the interaction was dispatched, in seconds since 1970."""
        return self.interaction.dispatched_at

    async def until_acknowledged(self) -> float:
        """Wait for the first response and return the seconds that it took.

        Raises:
            NotAcknowledged: it did not come within the deadline.
        """
        timeout_s = self.interaction.deadline_s + 2
        try:
            await self.until(lambda each: each.responded or each.failed, deadline_s=timeout_s)
        except TimeoutError:
            raise NotAcknowledged("the application did not respond") from None
        elapsed = self.interaction.acknowledged_after_s
        if elapsed is None:
            raise NotAcknowledged("the application did not respond")
        return elapsed

    @property
    def responded(self) -> bool:
        """Whether there is a first response."""
        return self.interaction.response_type is not None

    @property
    def deferred(self) -> bool:
        """Whether the first response was "thinking…"."""
        return self.interaction.response_type is CallbackType.DEFERRED_MESSAGE

    @property
    def failed(self) -> bool:
        """Whether Discord shows "The application did not respond": at the deadline, or after 15 minutes of thinking."""
        now = self._now()
        return self.interaction.overdue(now) or (self.thinking and self.interaction.expired(now))

    @property
    def thinking(self) -> bool:
        """Whether it shows "thinking…"."""
        original = self.interaction.original
        return original is not None and original.loading and not original.deleted

    @property
    def private(self) -> bool:
        """Whether the first response is ephemeral."""
        original = self.interaction.original
        return original is not None and original.ephemeral

    @property
    def messages(self) -> list[Message]:
        """The response and the follow-ups, without "thinking…"."""
        return [message for message in self.interaction.messages if not message.loading]

    @property
    def text(self) -> str:
        """The text of all messages, one per line."""
        return "\n".join(message.content for message in self.messages)

    @property
    def modal(self) -> Json | None:
        """The modal that opened, if any."""
        return self.interaction.modal

    async def until(
        self, predicate: Callable[["InteractionResult"], object], *, deadline_s: float = 10.0
    ) -> "InteractionResult":
        """Wait until `predicate` is true for this result, which is returned.

        Raises:
            TimeoutError: it did not become true in time; the text has what is shown.
        """
        try:
            await self.interaction.changed.until(
                lambda: bool(predicate(self)), deadline_s=deadline_s, what="what was waited for"
            )
        except TimeoutError as late:
            raise TimeoutError(f"{late}; shown is {self.snapshot()}") from None
        return self

    async def until_answered(self, *, deadline_s: float = 10.0) -> "InteractionResult":
        """Wait until there is a message other than "thinking…", and return this result.

        Raises:
            TimeoutError: there was none in time.
            NotAcknowledged: the bot missed the deadline.
        """
        await self.until(lambda each: each.failed or each.messages, deadline_s=deadline_s)
        if self.failed:
            raise NotAcknowledged("the application did not respond")
        return self

    def snapshot(self) -> Snapshot:
        """Return what is shown now."""
        return Snapshot(
            self._now() - self.interaction.dispatched_at,
            self.thinking,
            self.failed,
            self.private,
            tuple(
                DisplayedMessage(message.id, message.content, tuple(each.filename for each in message.attachments))
                for message in self.messages
            ),
        )

    async def changes(self, *, idle_s: float | None = None) -> AsyncGenerator[Snapshot, None]:
        """Yield the current snapshot and each one that differs from the last.

        Args:
            idle_s: end after so long without a change once there is a message; None ends only on failure.
        """
        last: tuple[object, ...] | None = None
        while True:
            ring = asyncio.ensure_future(self.interaction.changed.wait())
            try:
                now = self.snapshot()
                shows = (now.thinking, now.failed, now.private, now.messages)
                if shows != last:
                    last = shows
                    yield now
                if now.failed:
                    return
                try:
                    await asyncio.wait_for(ring, idle_s if now.messages else None)
                except TimeoutError:
                    return
            finally:
                ring.cancel()
