"""What an answer has come to while it streams: its text, and the tokens it has cost so far."""

from collections.abc import AsyncGenerator, Callable

from bot.api.chat_types import ChatEvent, ReasoningDelta, StreamEnd, TextDelta
from bot.conversation.prompt import BYTES_PER_TOKEN, size, tokens_in
from bot.errors import BotError
from bot.quotas.reservation import TokenBudget


class StreamMeter:
    """Passes an answer's text on, keeps count of everything received, hidden reasoning included, and ends in time.

    Nothing that was not granted is passed on or counted: the piece that goes beyond is cut, and is the last one.
    """

    def __init__(self, prompt_tokens: int, token_budget: TokenBudget) -> None:
        self._estimated_prompt_tokens = prompt_tokens
        self._token_budget = token_budget
        self._text = _Part()
        self._reasoning = _Part()
        self.end: StreamEnd | None = None
        self.given_up = False
        """Whether people ended the answer when the request for it was with the service."""
        self.stopped: BotError | None = None
        """Why the answer was stopped, where it was: a limit, or a store that could not be asked."""

    async def texts(
        self, events: AsyncGenerator[ChatEvent, None], thinking: Callable[[], None] = lambda: None
    ) -> AsyncGenerator[str, None]:
        """Yield the text of `events`, piece by piece, for as long as it is granted; call `thinking` at each thought."""
        async for event in events:
            match event:
                case TextDelta(text):
                    text = await self._take(text, self._text, self._reasoning)
                    if text:
                        yield text
                case ReasoningDelta(text):
                    thinking()
                    await self._take(text, self._reasoning, self._text)
                case StreamEnd():
                    self.end = event
            if self.stopped is not None:
                return

    def expect(self, prompt_tokens: int) -> None:
        """Take another estimate of the request, before anything has come."""
        self._estimated_prompt_tokens = prompt_tokens

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._text.pieces)

    @property
    def begun(self) -> bool:
        """Whether anything of the answer came."""
        return bool(self._text.pieces or self._reasoning.pieces)

    @property
    def costs(self) -> bool:
        """Whether there is anything to be paid for: what came, or a request that people gave up."""
        return self.begun or self.given_up

    @property
    def estimated(self) -> bool:
        """Whether the token counts are our own, since the API reported none."""
        return self.end is None or self.end.usage is None

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the request."""
        if self.end and self.end.usage:
            return self.end.usage.prompt_tokens
        return self._estimated_prompt_tokens

    @property
    def answer_tokens(self) -> int:
        """Tokens of all that came back."""
        if self.end and self.end.usage:
            return self.end.usage.completion_tokens
        return self._text.tokens + self._reasoning.tokens

    async def _take(self, text: str, part: "_Part", other: "_Part") -> str:
        """Add `text` to its part, or as much of it as is granted; give what was added."""
        before = self._estimated_prompt_tokens + other.tokens
        total = before + tokens_in(part.bytes + size(text))
        granted = await self._token_budget.ensure(total)
        if granted < total:
            self.stopped = self._token_budget.refused
            text = _cut(text, (granted - before) * BYTES_PER_TOKEN - part.bytes)
        part.add(text)
        return text


class _Part:
    """One of the two things that come: pieces of text, and their size."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.bytes = 0

    @property
    def tokens(self) -> int:
        return tokens_in(self.bytes)

    def add(self, text: str) -> None:
        if text:
            self.pieces.append(text)
            self.bytes += size(text)


def _cut(text: str, most_bytes: int) -> str:
    """Give as many characters from the beginning of `text` as fit."""
    return text.encode("utf-8", "replace")[: max(most_bytes, 0)].decode("utf-8", "ignore")
