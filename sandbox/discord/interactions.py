"""Interactions: deadlines, tokens, and how the bot responded."""

import asyncio
import secrets
from dataclasses import dataclass, field
from enum import IntEnum

from sandbox.change_signal import ChangeSignal
from sandbox.discord.entities import Channel, User
from sandbox.discord.errors import already_acknowledged, expired_token, unknown_interaction, unknown_webhook
from sandbox.discord.messages import Message
from sandbox.discord.snowflakes import Now
from sandbox.json_object import Json

DEADLINE_S = 3.0  # https://discord.com/developers/docs/interactions/receiving-and-responding
TOKEN_LIFETIME_S = 15 * 60.0


class InteractionType(IntEnum):
    """Interaction types."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


class CallbackType(IntEnum):
    """Types of a first response."""

    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE_MESSAGE = 7
    AUTOCOMPLETE = 8
    MODAL = 9


@dataclass(slots=True, eq=False)
class Interaction:
    """A user's interaction, and how the bot responded. Times are seconds since 1970.

    `message` is the one with the component; `opened_by` is the interaction that opened the modal.
    """

    id: int
    type: InteractionType
    user: User
    channel: Channel
    data: Json
    dispatched_at: float
    deadline_s: float
    command_name: str | None = None
    message: Message | None = None
    opened_by: "Interaction | None" = None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    response_type: CallbackType | None = None
    responded_at: float | None = None
    original: Message | None = None
    follow_ups: list[Message] = field(default_factory=list)
    choices: list[Json] | None = None
    modal: Json | None = None
    changed: ChangeSignal = field(default_factory=ChangeSignal)

    @property
    def acknowledged_after_s(self) -> float | None:
        """Seconds from dispatch to the first response; None while there is none."""
        return None if self.responded_at is None else self.responded_at - self.dispatched_at

    @property
    def messages(self) -> list[Message]:
        """The response and follow-up messages that are not deleted, without an updated component's message."""
        updates = (CallbackType.UPDATE_MESSAGE, CallbackType.DEFERRED_UPDATE)
        first = [] if self.original is None or self.response_type in updates else [self.original]
        return [message for message in (*first, *self.follow_ups) if not message.deleted]

    def overdue(self, now: float) -> bool:
        """Return whether the deadline passed without a first response."""
        return self.response_type is None and now - self.dispatched_at > self.deadline_s

    def expired(self, now: float) -> bool:
        """Return whether its token has expired."""
        return now - self.dispatched_at > TOKEN_LIFETIME_S


class InteractionRegistry:
    """Finds interactions by token, if the bot may still respond to them.

    Args:
        now: returns the current time in seconds since 1970.
        deadline_s: how long a first response may take.
    """

    def __init__(self, application_id: int, now: Now, *, deadline_s: float = DEADLINE_S) -> None:
        self.deadline_s = deadline_s
        self._application_id = application_id
        self._now = now
        self._by_token: dict[str, Interaction] = {}
        self._timers: set[asyncio.TimerHandle] = set()

    @property
    def latest(self) -> Interaction:
        """The newest interaction.

        Raises:
            KeyError: there was none yet.
        """
        return self._by_token[next(reversed(self._by_token), "")]

    def open(
        self,
        interaction_id: int,
        kind: InteractionType,
        user: User,
        channel: Channel,
        data: Json,
        *,
        command_name: str | None = None,
        message: Message | None = None,
        opened_by: Interaction | None = None,
    ) -> Interaction:
        """Return a new interaction; its deadline starts now."""
        interaction = Interaction(
            interaction_id, kind, user, channel, data, self._now(), self.deadline_s, command_name, message, opened_by
        )
        self._by_token[interaction.token] = interaction
        self._notify_at_deadline(interaction)
        return interaction

    def find_for_callback(self, interaction_id: int, token: str) -> Interaction:
        """Return the interaction for a first response.

        Raises:
            DiscordError: there is none, its deadline has passed, or it is already acknowledged.
        """
        interaction = self._by_token.get(token)
        if interaction is None or interaction.id != interaction_id:
            raise unknown_interaction()
        if interaction.response_type is not None:
            raise already_acknowledged()
        if interaction.overdue(self._now()):
            raise unknown_interaction()
        return interaction

    def find_for_webhook(self, webhook_id: int, token: str) -> Interaction:
        """Return the interaction for an edit or follow-up.

        Raises:
            DiscordError: there is none, it has no first response, or its token has expired.
        """
        interaction = self._by_token.get(token)
        if interaction is None or webhook_id != self._application_id:
            raise unknown_webhook()
        if interaction.expired(self._now()):
            raise expired_token()
        if interaction.response_type is None:
            raise unknown_webhook()
        return interaction

    def respond(self, interaction: Interaction, kind: CallbackType) -> None:
        """Record the first response."""
        interaction.response_type = kind
        interaction.responded_at = self._now()

    def close(self) -> None:
        """Cancel the timers of deadlines."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _notify_at_deadline(self, interaction: Interaction) -> None:
        """Notify waiters at the deadline. Tests with a fake clock call `changed.notify()` themselves."""

        def notify() -> None:
            self._timers.discard(timer)
            interaction.changed.notify()

        timer = asyncio.get_running_loop().call_later(self.deadline_s + 0.01, notify)
        self._timers.add(timer)
