"""The MLS structures that a voice server needs: as an external sender it proposes additions and removals.

RFC 9420; https://daveprotocol.com specifies what Discord uses of it. Suite 2: P-256, AES-128-GCM, SHA-256.
"""

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

_PUBLIC_MESSAGE = b"\x00\x01\x00\x01"  # version MLS 1.0, wire format: public message
_FROM_OUTSIDE = b"\x02" + bytes(4)  # sent by the first of the external senders
_PROPOSAL = b"\x02"
_ADD, _REMOVE = b"\x00\x01", b"\x00\x03"
_BASIC = b"\x00\x01"  # the credential type
_COMMITTED_LEAF, _PACKAGED_LEAF = 3, 1
_SENT_BY_MEMBER = 1


class MalformedMls(Exception):
    """Bytes that are not the expected structure."""


class ExternalSender:
    """The voice server's key, known to every member, which signs its proposals."""

    def __init__(self) -> None:
        # `cryptography` is only in the sandbox's requirements, and slow to import.
        from cryptography.hazmat.primitives.asymmetric import ec

        self._key: EllipticCurvePrivateKey = ec.generate_private_key(ec.SECP256R1())

    @functools.cached_property
    def package(self) -> bytes:
        """The external sender package for members (opcode 25)."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return _vector(point) + _BASIC + _vector(b"sandbox voice server")

    def add(self, group_id: int, epoch: int, key_package: bytes) -> bytes:
        """Return a signed proposal to add the owner of a key package."""
        return self._sign(group_id, epoch, _ADD + key_package)

    def remove(self, group_id: int, epoch: int, leaf: int) -> bytes:
        """Return a signed proposal to remove the member at a leaf of the tree."""
        return self._sign(group_id, epoch, _REMOVE + leaf.to_bytes(4, "big"))

    def _sign(self, group_id: int, epoch: int, proposal: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        group = _vector(group_id.to_bytes(8, "big")) + epoch.to_bytes(8, "big")
        message = _PUBLIC_MESSAGE + group + _FROM_OUTSIDE + _vector(b"") + _PROPOSAL + proposal
        signed = _vector(b"MLS 1.0 FramedContentTBS") + _vector(message)
        return message + _vector(self._key.sign(signed, ec.ECDSA(hashes.SHA256())))


def encode_proposals(proposals: Iterable[bytes]) -> bytes:
    """Return several proposals as one vector, for opcode 27."""
    return _vector(b"".join(proposals))


def split_commit(data: bytes) -> tuple[bytes, bytes]:
    """Return the commit and the welcome of opcode 28; the welcome may be empty.

    Raises:
        MalformedMls: it does not begin with a member's commit.
    """
    reader = _Reader(data)
    if reader.take(4) != _PUBLIC_MESSAGE:
        raise MalformedMls("not a public message")
    reader.vector()  # group id
    reader.take(8)  # epoch
    if reader.take(1)[0] != _SENT_BY_MEMBER:
        raise MalformedMls("not sent by a member")
    reader.take(4)  # leaf index
    reader.vector()  # authenticated data
    if reader.take(1)[0] != 3:
        raise MalformedMls("not a commit")
    reader.vector()  # proposals
    if reader.take(1)[0]:
        _skip_leaf(reader)
        reader.vector()  # path nodes
    for _ in ("signature", "confirmation tag", "membership tag"):
        reader.vector()
    return data[: reader.offset], data[reader.offset :]


def _skip_leaf(reader: "_Reader") -> None:
    reader.vector()  # encryption key
    reader.vector()  # signature key
    if reader.take(2) != _BASIC:
        raise MalformedMls("unsupported credential type")
    reader.vector()  # identity
    for _ in ("versions", "cipher suites", "extensions", "proposals", "credentials"):
        reader.vector()
    source = reader.take(1)[0]
    if source == _PACKAGED_LEAF:
        reader.take(16)  # lifetime
    elif source == _COMMITTED_LEAF:
        reader.vector()  # parent hash
    reader.vector()  # extensions
    reader.vector()  # signature


class _Reader:
    """Reads bytes one structure after another."""

    def __init__(self, data: bytes) -> None:
        self.offset = 0
        self._data = data

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        end = self.offset + count
        if end > len(self._data):
            raise MalformedMls("unexpected end")
        taken, self.offset = self._data[self.offset : end], end
        return taken

    def vector(self) -> bytes:
        """Return the next bytes after their length (encoded as in QUIC: the upper two bits are its size)."""
        first = self.take(1)[0]
        size = 1 << (first >> 6)
        if size == 8:
            raise MalformedMls("vector too long")
        return self.take(int.from_bytes(bytes([first & 0x3F]) + self.take(size - 1), "big"))


def _vector(data: bytes) -> bytes:
    length = len(data)
    if length < 1 << 6:
        return bytes([length]) + data
    if length < 1 << 14:
        return (0x4000 | length).to_bytes(2, "big") + data
    return (0x8000_0000 | length).to_bytes(4, "big") + data
