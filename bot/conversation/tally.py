"""What an answer has come to while it streams: its text, and the tokens it has cost so far."""

from collections.abc import AsyncGenerator

from bot.api.answers import ChatEvent, ReasoningDelta, StreamEnd, TextDelta
from bot.conversation.tokens import estimate


class Tally:
    """Passes an answer's text on and keeps count of everything received, hidden reasoning included."""

    def __init__(self, prompt_tokens: int) -> None:
        self._estimated_prompt_tokens = prompt_tokens
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self.end: StreamEnd | None = None

    async def texts(self, events: AsyncGenerator[ChatEvent, None]) -> AsyncGenerator[str, None]:
        """Yield the text of `events`, piece by piece."""
        async for event in events:
            match event:
                case TextDelta(text):
                    self._text.append(text)
                    yield text
                case ReasoningDelta(text):
                    self._reasoning.append(text)
                case StreamEnd():
                    self.end = event

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._text)

    @property
    def begun(self) -> bool:
        """Whether anything came that has to be paid for."""
        return bool(self._text or self._reasoning)

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
        return estimate(self.text) + estimate("".join(self._reasoning))
