"""What a user sees of the bot's reply to their message."""

from collections.abc import Callable

from sandbox.change_signal import ChangeSignal
from sandbox.discord.messages import Message
from sandbox.discord.state import DiscordState


class MessageResult:
    """A user's message and the bot's replies: each further one replies to the one before."""

    def __init__(self, message: Message, state: DiscordState) -> None:
        self.message = message
        self._state = state

    @property
    def messages(self) -> list[Message]:
        """The reply's messages that are not deleted, in order."""
        found: list[Message] = []
        for each in self._state.messages.get(self.message.channel_id, []):
            above = found[-1] if found else self.message
            if each.author is self._state.bot and not each.deleted and each.reply_to == above.id:
                found.append(each)
        return found

    @property
    def changed(self) -> ChangeSignal:
        """Notified for every change."""
        return self._state.changed

    @property
    def all_messages(self) -> list[Message]:
        """The same as `messages`: replies have no "thinking…"."""
        return self.messages

    @property
    def started_at(self) -> float:
        """When the message was sent, in seconds since 1970."""
        return self.message.created_at

    @property
    def text(self) -> str:
        """The text of all messages, one per line."""
        return "\n".join(message.content for message in self.messages)

    @property
    def responded(self) -> bool:
        """Whether the bot replied or reacted."""
        return bool(self.messages or self.reactions)

    @property
    def thinking(self) -> bool:
        """False: replies have no "thinking…"."""
        return False

    @property
    def failed(self) -> bool:
        """False: for messages Discord does not show that a bot did not respond."""
        return False

    @property
    def reactions(self) -> list[str]:
        """The bot's reactions to the message."""
        return [emoji for emoji, who in self.message.reactions.items() if self._state.bot.id in who]

    async def until(
        self, predicate: Callable[["MessageResult"], object], *, deadline_s: float = 10.0
    ) -> "MessageResult":
        """Wait until `predicate` is true for this result, which is returned.

        Raises:
            TimeoutError: it did not become true in time; the text has what is shown.
        """
        try:
            await self._state.changed.until(
                lambda: bool(predicate(self)), deadline_s=deadline_s, what="what was waited for"
            )
        except TimeoutError as late:
            raise TimeoutError(f"{late}; shown is {self.text!r}, under it {self.reactions}") from None
        return self
