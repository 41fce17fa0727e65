"""What comes over UDP: the question for one's own address, and RTP with its encrypted payload."""

import struct
from dataclasses import dataclass

DISCOVERY_BYTES = 74
OPUS = 0x78  # the payload type of Opus in Discord's calls
_HEADER = struct.Struct(">BBHII")
_TAG_BYTES, _NONCE_BYTES, _COUNTER_BYTES = 16, 24, 4


class DecryptionFailed(Exception):
    """A packet that the key does not open."""


@dataclass(frozen=True, slots=True)
class Rtp:
    """The header of an RTP packet; `header_bytes` of the packet are sent in the clear."""

    ssrc: int
    sequence: int
    timestamp: int
    payload_type: int
    header_bytes: int
    extension_bytes: int


def parse_discovery(data: bytes) -> int | None:
    """The SSRC whose owner asks for their address; None where this is no such question."""
    if len(data) != DISCOVERY_BYTES or data[:4] != b"\x00\x01\x00\x46":
        return None
    return int.from_bytes(data[4:8], "big")


def build_discovery_response(ssrc: int, host: str, port: int) -> bytes:
    """The answer to it."""
    return struct.pack(">HHI64sH", 2, 70, ssrc, host.encode(), port)


def parse_rtp(data: bytes) -> Rtp | None:
    """Read a packet's header; None where this is no RTP, such as RTCP or a sign of life."""
    if len(data) < _HEADER.size + _TAG_BYTES + _COUNTER_BYTES or data[0] >> 6 != 2 or 200 <= data[1] <= 207:
        return None
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    size, extension = _HEADER.size + 4 * (first & 0x0F), 0
    if first & 0x10:  # the extension's first four bytes stay in the clear, the rest is encrypted with the payload
        extension = 4 * int.from_bytes(data[size + 2 : size + 4], "big")
        size += 4
    return Rtp(ssrc, sequence, timestamp, second & 0x7F, size, extension)


def decrypt(data: bytes, rtp: Rtp, key: bytes) -> bytes:
    """The payload of a packet, its transport encryption taken off (`aead_xchacha20_poly1305_rtpsize`).

    Raises:
        DecryptionFailed: it was encrypted with another key, or is no such packet.
    """
    from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as decrypt
    from nacl.exceptions import CryptoError

    nonce = data[-_COUNTER_BYTES:].ljust(_NONCE_BYTES, b"\x00")
    sealed, clear = data[rtp.header_bytes : -_COUNTER_BYTES], data[: rtp.header_bytes]
    try:
        payload: bytes = decrypt(sealed, clear, nonce, key)
    except CryptoError:
        raise DecryptionFailed from None
    return payload[rtp.extension_bytes :]
