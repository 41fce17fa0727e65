"""The few structures of MLS that a voice server needs: it is nobody in the group, and proposes who comes and goes.

RFC 9420; https://daveprotocol.com says what of it Discord uses. Suite 2: P-256, AES-128-GCM, SHA-256.
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
    """Bytes that are not what they should be."""


class ExternalSender:
    """The voice server's own key, known to every member, that its proposals are signed with."""

    def __init__(self) -> None:
        # The `cryptography` package belongs to the sandbox alone, and takes a moment to import.
        from cryptography.hazmat.primitives.asymmetric import ec

        self._key: EllipticCurvePrivateKey = ec.generate_private_key(ec.SECP256R1())

    @functools.cached_property
    def package(self) -> bytes:
        """What members are told of it (opcode 25)."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return _vector(point) + _BASIC + _vector(b"sandbox voice server")

    def add(self, group_id: int, epoch: int, key_package: bytes) -> bytes:
        """Propose that somebody joins."""
        return self._signed(group_id, epoch, _ADD + key_package)

    def remove(self, group_id: int, epoch: int, leaf: int) -> bytes:
        """Propose that the member at a leaf of the tree goes."""
        return self._signed(group_id, epoch, _REMOVE + leaf.to_bytes(4, "big"))

    def _signed(self, group_id: int, epoch: int, proposal: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        group = _vector(group_id.to_bytes(8, "big")) + epoch.to_bytes(8, "big")
        message = _PUBLIC_MESSAGE + group + _FROM_OUTSIDE + _vector(b"") + _PROPOSAL + proposal
        signed = _vector(b"MLS 1.0 FramedContentTBS") + _vector(message)
        return message + _vector(self._key.sign(signed, ec.ECDSA(hashes.SHA256())))


def encode_proposals(proposals: Iterable[bytes]) -> bytes:
    """Several proposals as one vector, as opcode 27 carries them."""
    return _vector(b"".join(proposals))


def split_commit(data: bytes) -> tuple[bytes, bytes]:
    """The commit and the welcome that follow each other in opcode 28; the second is empty where there is none.

    Raises:
        MalformedMls: it does not begin with a member's commit.
    """
    reader = _Reader(data)
    if reader.take(4) != _PUBLIC_MESSAGE:
        raise MalformedMls("no public message")
    reader.vector()  # the group's id
    reader.take(8)  # its epoch
    if reader.take(1)[0] != _SENT_BY_MEMBER:
        raise MalformedMls("not sent by a member")
    reader.take(4)  # whose leaf
    reader.vector()  # authenticated data
    if reader.take(1)[0] != 3:
        raise MalformedMls("no commit")
    reader.vector()  # the proposals it commits
    if reader.take(1)[0]:
        _skip_leaf(reader)
        reader.vector()  # the path's nodes
    for _ in ("signature", "confirmation tag", "membership tag"):
        reader.vector()
    return data[: reader.place], data[reader.place :]


def _skip_leaf(reader: "_Reader") -> None:
    reader.vector()  # encryption key
    reader.vector()  # signature key
    if reader.take(2) != _BASIC:
        raise MalformedMls("a credential of another kind")
    reader.vector()  # identity
    for _ in ("versions", "cipher suites", "extensions", "proposals", "credentials"):
        reader.vector()
    source = reader.take(1)[0]
    if source == _PACKAGED_LEAF:
        reader.take(16)  # lifetime
    elif source == _COMMITTED_LEAF:
        reader.vector()  # the parent's hash
    reader.vector()  # extensions
    reader.vector()  # signature


class _Reader:
    """Walks through bytes."""

    def __init__(self, data: bytes) -> None:
        self.place = 0
        self._data = data

    def take(self, count: int) -> bytes:
        """The next bytes."""
        end = self.place + count
        if end > len(self._data):
            raise MalformedMls("it ends too early")
        taken, self.place = self._data[self.place : end], end
        return taken

    def vector(self) -> bytes:
        """The next bytes, whose number stands before them (as in QUIC: the upper two bits give its size)."""
        first = self.take(1)[0]
        size = 1 << (first >> 6)
        if size == 8:
            raise MalformedMls("too long a vector")
        return self.take(int.from_bytes(bytes([first & 0x3F]) + self.take(size - 1), "big"))


def _vector(data: bytes) -> bytes:
    length = len(data)
    if length < 1 << 6:
        return bytes([length]) + data
    if length < 1 << 14:
        return (0x4000 | length).to_bytes(2, "big") + data
    return (0x8000_0000 | length).to_bytes(4, "big") + data
