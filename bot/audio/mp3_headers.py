"""The headers of an MP3 file: tags to skip, and how much silence the encoder put around the sound."""

from dataclasses import dataclass
from typing import Final

ID3_HEAD: Final = 10

# https://id3.org/id3v2.4.0-structure, section 3: a footer of ten bytes may follow, and sizes have seven bits a byte.
_HAS_FOOTER: Final = 0x10
_SEVEN_BITS: Final = 0x7F

# http://gabriel.mp3-tech.org/mp3infotag.html: four optional fields, told by flags; the encoder's name comes after them.
_FIELD_BYTES: Final = {1: 4, 2: 4, 4: 100, 8: 4}
_PADDING_AT: Final = 21
_ENCODERS: Final = (b"LAME", b"Lavf", b"Lavc")
_DECODER_DELAY: Final = 529  # samples that every decoder is late by; the tag leaves them out


@dataclass(frozen=True, slots=True)
class Padding:
    """Samples at either end that are not in what was encoded."""

    before: int
    after: int


def id3_bytes(head: bytes) -> int:
    """Return the length in bytes of the ID3v2 tag that the ten bytes of `head` begin; 0 without one.

    Its pictures hold what looks like frames, so it is stepped over and not searched.
    """
    if not head.startswith(b"ID3") or any(size > _SEVEN_BITS for size in head[6:10]):
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return ID3_HEAD + size + (ID3_HEAD if head[5] & _HAS_FOOTER else 0)


def padding(frame: bytes) -> Padding | None:
    """Return the padding that a header frame (Xing, Info) describes; None for an ordinary frame."""
    at = max(frame[:64].find(b"Xing"), frame[:64].find(b"Info"))
    if at < 0 or frame[0] != 0xFF or frame[1] & 0xE0 != 0xE0:
        return None
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    at += 8 + sum(size for flag, size in _FIELD_BYTES.items() if flags & flag)
    if frame[at : at + 4] not in _ENCODERS or len(frame) < at + _PADDING_AT + 3:
        return Padding(0, 0)
    both = int.from_bytes(frame[at + _PADDING_AT : at + _PADDING_AT + 3], "big")
    return Padding((both >> 12) + _DECODER_DELAY, max(0, (both & 0xFFF) - _DECODER_DELAY))
