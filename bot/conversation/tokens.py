"""Our own count of tokens, for planning ahead and for servers that report no usage."""

from typing import Final

BYTES_PER_TOKEN: Final = 4
# Role and separators of one message, as OpenAI's cookbook counts them.
MESSAGE_OVERHEAD: Final = 4


def estimate(text: str) -> int:
    """Estimate the tokens of `text`.

    A quarter of its UTF-8 bytes, rounded up: close for English prose, and somewhat high for scripts whose letters take
    two or three bytes, which their tokens do as well.
    """
    return tokens_in(size(text))


def size(text: str) -> int:
    """Tell how many bytes `text` takes in UTF-8."""
    return len(text.encode("utf-8", "replace"))


def tokens_in(size: int) -> int:
    """Estimate the tokens of a text of `size` bytes."""
    return -(-size // BYTES_PER_TOKEN)


def estimate_message(text: str) -> int:
    """Estimate the tokens that a message with `text` takes in a request."""
    return estimate(text) + MESSAGE_OVERHEAD
