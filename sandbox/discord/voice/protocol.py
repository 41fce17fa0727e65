"""Opcodes, close codes and the encryption mode of the voice websocket."""

from enum import IntEnum

VERSION = "8"
MODE = "aead_xchacha20_poly1305_rtpsize"
"""The one mode that Discord requires every client to support; the only one offered here."""

HEARTBEAT_MS = 13_750

LOOPBACK = "127.0.0.1"
"""The voice server's address, for TCP and UDP."""


class VoiceOpcode(IntEnum):
    """https://discord.com/developers/docs/topics/opcodes-and-status-codes#voice-voice-opcodes"""

    IDENTIFY = 0
    SELECT_PROTOCOL = 1
    READY = 2
    HEARTBEAT = 3
    SESSION_DESCRIPTION = 4
    SPEAKING = 5
    HEARTBEAT_ACK = 6
    RESUME = 7
    HELLO = 8
    RESUMED = 9
    CLIENTS_CONNECT = 11
    CLIENT_DISCONNECT = 13
    DAVE_PREPARE_TRANSITION = 21
    DAVE_EXECUTE_TRANSITION = 22
    DAVE_TRANSITION_READY = 23
    DAVE_PREPARE_EPOCH = 24
    MLS_EXTERNAL_SENDER = 25
    MLS_KEY_PACKAGE = 26
    MLS_PROPOSALS = 27
    MLS_COMMIT_WELCOME = 28
    MLS_ANNOUNCE_COMMIT = 29
    MLS_WELCOME = 30
    MLS_INVALID_COMMIT_WELCOME = 31


UNNUMBERED = frozenset({VoiceOpcode.READY, VoiceOpcode.HEARTBEAT_ACK, VoiceOpcode.HELLO, VoiceOpcode.RESUMED})
"""What the server sends without a sequence number, so that it is not replayed after a resume."""


class VoiceCloseCode(IntEnum):
    """https://discord.com/developers/docs/topics/opcodes-and-status-codes#voice-voice-close-event-codes"""

    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    SESSION_INVALID = 4006
    SESSION_TIMEOUT = 4009
    SERVER_NOT_FOUND = 4011
    UNKNOWN_PROTOCOL = 4012
    DISCONNECTED = 4014
    SERVER_CRASHED = 4015
    UNKNOWN_MODE = 4016
    DAVE_REQUIRED = 4017
    BAD_REQUEST = 4020
    RATE_LIMITED = 4021
    CALL_TERMINATED = 4022


class CloseVoiceConnection(Exception):
    """Raised to close a voice connection with a code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
