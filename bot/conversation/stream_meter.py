"""Counts an answer while it streams: its text, and the tokens it has used so far."""

from collections.abc import AsyncGenerator, Callable

from bot.api.chat_events import ChatEvent, ReasoningDelta, StreamEnd, TextDelta
from bot.conversation.prompt import BYTES_PER_TOKEN, count_bytes, estimate_bytes
from bot.errors import BotError
from bot.quotas.token_budget import TokenBudget


class StreamMeter:
    """Passes an answer's text on, counts all output, hidden reasoning included, and stops at the token budget.

    Output beyond the budget is neither passed on nor counted: the delta that exceeds it is cut, and is the last one.
    """

    def __init__(self, prompt_tokens: int, token_budget: TokenBudget) -> None:
        self._estimated_prompt_tokens = prompt_tokens
        self._token_budget = token_budget
        self._text = _Part()
        self._reasoning = _Part()
        self.stream_end: StreamEnd | None = None
        self.refusal: BotError | None = None
        """Why no more tokens were granted: a limit, or the store failed; None while they are."""

    async def count(
        self, events: AsyncGenerator[ChatEvent, None], on_reasoning: Callable[[], None] = lambda: None
    ) -> AsyncGenerator[str, None]:
        """Yield the text of `events`, delta by delta, while it is granted; call `on_reasoning` at each reasoning."""
        async for event in events:
            match event:
                case TextDelta(text):
                    text = await self._add_granted(text, self._text, self._reasoning)
                    if text:
                        yield text
                case ReasoningDelta(text):
                    on_reasoning()
                    await self._add_granted(text, self._reasoning, self._text)
                case StreamEnd():
                    self.stream_end = event
            if self.refusal is not None:
                return

    def set_prompt_estimate(self, prompt_tokens: int) -> None:
        """Replace the estimate of the request's tokens, before there is any output."""
        self._estimated_prompt_tokens = prompt_tokens

    @property
    def text(self) -> str:
        """The text of the answer so far."""
        return "".join(self._text.deltas)

    @property
    def has_output(self) -> bool:
        """Return whether there is any output, reasoning included."""
        return bool(self._text.deltas or self._reasoning.deltas)

    @property
    def is_estimated(self) -> bool:
        """Return whether the token counts are estimates, since the API reported none."""
        return self.stream_end is None or self.stream_end.usage is None

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the request."""
        if self.stream_end and self.stream_end.usage:
            return self.stream_end.usage.prompt_tokens
        return self._estimated_prompt_tokens

    @property
    def answer_tokens(self) -> int:
        """Tokens of all output."""
        if self.stream_end and self.stream_end.usage:
            return self.stream_end.usage.completion_tokens
        return self._text.tokens + self._reasoning.tokens

    async def _add_granted(self, text: str, part: "_Part", other: "_Part") -> str:
        """Add `text` to its part, or as much of it as the budget grants; return what was added."""
        before = self._estimated_prompt_tokens + other.tokens
        total = before + estimate_bytes(part.bytes + count_bytes(text))
        granted = await self._token_budget.ensure(total)
        if granted < total:
            self.refusal = self._token_budget.refused
            text = _cut(text, (granted - before) * BYTES_PER_TOKEN - part.bytes)
        part.add(text)
        return text


class _Part:
    """One of the two kinds of output, text or reasoning: its deltas and their size in bytes."""

    def __init__(self) -> None:
        self.deltas: list[str] = []
        self.bytes = 0

    @property
    def tokens(self) -> int:
        return estimate_bytes(self.bytes)

    def add(self, text: str) -> None:
        if text:
            self.deltas.append(text)
            self.bytes += count_bytes(text)


def _cut(text: str, max_bytes: int) -> str:
    """Return as many characters from the start of `text` as fit into `max_bytes` of UTF-8."""
    return text.encode("utf-8", "replace")[: max(max_bytes, 0)].decode("utf-8", "ignore")
