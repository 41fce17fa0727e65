"""Sizes of an Opus packet, in samples and in bytes of PCM."""

from typing import Final

SILENCE: Final = b"\xf8\xff\xfe"
"""The packet that Discord takes for silence. Encryption leaves it as it is."""

RATE: Final = 48_000
PACKET_SAMPLES: Final = 960
SAMPLE_BYTES: Final = 4  # 16 bits for the left, 16 for the right
PACKET_BYTES: Final = PACKET_SAMPLES * SAMPLE_BYTES
