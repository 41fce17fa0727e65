"""What comes over UDP: IP discovery, and RTP with an encrypted payload."""

import struct
from dataclasses import dataclass

DISCOVERY_BYTES = 74
OPUS = 0x78  # Discord's payload type for Opus
_HEADER = struct.Struct(">BBHII")
_TAG_BYTES, _NONCE_BYTES, _COUNTER_BYTES = 16, 24, 4


class DecryptionFailed(Exception):
    """A packet that can't be decrypted with the key."""


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
    """Return the SSRC of an IP discovery request; None for anything else."""
    if len(data) != DISCOVERY_BYTES or data[:4] != b"\x00\x01\x00\x46":
        return None
    return int.from_bytes(data[4:8], "big")


def build_discovery_response(ssrc: int, host: str, port: int) -> bytes:
    """Return the response to an IP discovery request."""
    return struct.pack(">HHI64sH", 2, 70, ssrc, host.encode(), port)


def parse_rtp(data: bytes) -> Rtp | None:
    """Return a packet's header; None for anything but RTP, such as RTCP or a keep-alive."""
    if len(data) < _HEADER.size + _TAG_BYTES + _COUNTER_BYTES or data[0] >> 6 != 2 or 200 <= data[1] <= 207:
        return None
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    size, extension = _HEADER.size + 4 * (first & 0x0F), 0
    if first & 0x10:  # the extension's first four bytes stay in the clear, the rest is encrypted with the payload
        extension = 4 * int.from_bytes(data[size + 2 : size + 4], "big")
        size += 4
    return Rtp(ssrc, sequence, timestamp, second & 0x7F, size, extension)


def decrypt(data: bytes, rtp: Rtp, key: bytes) -> bytes:
    """Return the decrypted payload of a packet (`aead_xchacha20_poly1305_rtpsize`).

    Raises:
        DecryptionFailed: it was encrypted with another key, or is malformed.
    """
    from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as aead_decrypt
    from nacl.exceptions import CryptoError

    nonce = data[-_COUNTER_BYTES:].ljust(_NONCE_BYTES, b"\x00")
    sealed, clear = data[rtp.header_bytes : -_COUNTER_BYTES], data[: rtp.header_bytes]
    try:
        payload: bytes = aead_decrypt(sealed, clear, nonce, key)
    except CryptoError:
        raise DecryptionFailed from None
    return payload[rtp.extension_bytes :]
