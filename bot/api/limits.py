"""How long the model API may take, and how much it may send."""

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024
MOST_PIXELS_DRAWN = 4096 * 4096  # as large as models draw


@dataclass(frozen=True, slots=True)
class Limits:
    """Every bound on one call; times in seconds, sizes in bytes or pixels.

    A first-byte limit runs from the start of a try to the first byte of its body. The whole runs over all tries.
    """

    connect_s: float = 10.0
    first_byte_s: float = 60.0
    # Pictures and unstreamed answers are made in full before their first byte is sent.
    made_first_byte_s: float = 180.0
    silence_s: float = 60.0
    whole_s: float = 600.0
    # After a finish reason only usage and `[DONE]` are still to come; nobody's words wait for them.
    tail_s: float = 5.0

    models_bytes: int = 2 * MEBIBYTE
    answer_bytes: int = 64 * MEBIBYTE
    speech_bytes: int = 50 * MEBIBYTE
    pictures_bytes: int = 64 * MEBIBYTE
    picture_bytes: int = 32 * MEBIBYTE
    picture_pixels: int = MOST_PIXELS_DRAWN
