"""A message that somebody wrote, and what the bot makes of it on their screen."""

from collections.abc import Callable

from sandbox.change_signal import ChangeSignal
from sandbox.discord.messages import Message
from sandbox.discord.state import DiscordState


class MessageResult:
    """A message and the bot's answer to it: the reply, and what replies to that in turn where it goes on."""

    def __init__(self, message: Message, state: DiscordState) -> None:
        self.message = message
        self._state = state

    @property
    def messages(self) -> list[Message]:
        """The messages of the answer that are there, in order."""
        found: list[Message] = []
        for each in self._state.messages.get(self.message.channel_id, []):
            above = found[-1] if found else self.message
            if each.author is self._state.bot and not each.deleted and each.reply_to == above.id:
                found.append(each)
        return found

    @property
    def changed(self) -> ChangeSignal:
        """Rung for every change."""
        return self._state.changed

    @property
    def all_messages(self) -> list[Message]:
        """The same as `messages`: nothing in a channel says "thinking…"."""
        return self.messages

    @property
    def started_at(self) -> float:
        """When it was written, in seconds since 1970."""
        return self.message.created_at

    @property
    def text(self) -> str:
        """The text of the answer's messages, with a line break between them."""
        return "\n".join(message.content for message in self.messages)

    @property
    def responded(self) -> bool:
        """Whether anything came of it."""
        return bool(self.messages or self.reactions)

    @property
    def thinking(self) -> bool:
        """Whether it says "thinking…": in a channel nothing does."""
        return False

    @property
    def failed(self) -> bool:
        """Whether Discord says that nobody responded: of a message it never does."""
        return False

    @property
    def reactions(self) -> list[str]:
        """The emojis that the bot put under the message."""
        return [emoji for emoji, who in self.message.reactions.items() if self._state.bot.id in who]

    async def until(
        self, predicate: Callable[["MessageResult"], object], *, deadline_s: float = 10.0
    ) -> "MessageResult":
        """Wait until `predicate` is true of this, looking after every change.

        Raises:
            TimeoutError: it did not become true in time; the text says what is shown instead.
        """
        try:
            await self._state.changed.until(
                lambda: bool(predicate(self)), deadline_s=deadline_s, what="what was waited for"
            )
        except TimeoutError as late:
            raise TimeoutError(f"{late}; shown is {self.text!r}, under it {self.reactions}") from None
        return self
