"""What the bot says on a voice websocket, and what it is told in answer."""

import functools
import json
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType

from sandbox.discord.voice import dave
from sandbox.discord.voice.call import Call, VoiceConnection
from sandbox.discord.voice.faults import VoiceFaults
from sandbox.discord.voice.mls import Malformed
from sandbox.discord.voice.protocol import LOOPBACK, MODE, VoiceClose, VoiceClosing, VoiceOp
from sandbox.json_object import Json

if TYPE_CHECKING:
    from sandbox.discord.voice.server import VoiceServer


class Conversation:
    """Takes the messages of one connection, in which the bot says who it is and then keeps its call going."""

    def __init__(self, connection: VoiceConnection, server: "VoiceServer", faults: VoiceFaults) -> None:
        self._connection = connection
        self._server = server
        self._faults = faults

    def receive(self, kind: WSMsgType, body: str | bytes) -> None:
        """Take a message.

        Raises:
            VoiceClosing: after this one the connection is to be closed.
        """
        if kind is WSMsgType.BINARY and isinstance(body, bytes) and body:
            self._receive_binary(body)
            return
        try:
            frame = json.loads(body)
            op, data = VoiceOp(frame["op"]), frame.get("d")
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
            raise VoiceClosing(VoiceClose.DECODE_ERROR, "Failed to decode payload.") from None
        except ValueError:
            raise VoiceClosing(VoiceClose.UNKNOWN_OPCODE, "Unknown opcode.") from None
        if not isinstance(data, dict):
            raise VoiceClosing(VoiceClose.DECODE_ERROR, "Failed to decode payload.")
        self._server.note(sent=False, op=op, data=data)
        call = self._connection.call
        if op is VoiceOp.HEARTBEAT:
            self._connection.say(VoiceOp.HEARTBEAT_ACK, {"t": data.get("t")})
        elif op in (VoiceOp.IDENTIFY, VoiceOp.RESUME):
            if call is not None:
                raise VoiceClosing(VoiceClose.ALREADY_AUTHENTICATED, "Already authenticated.")
            ordered = self._faults.closing()
            if ordered is not None:
                raise VoiceClosing(ordered, "This was asked for.")
            (self._identify if op is VoiceOp.IDENTIFY else self._resume)(data)
        elif call is None:
            raise VoiceClosing(VoiceClose.NOT_AUTHENTICATED, "Not authenticated.")
        elif op is VoiceOp.SELECT_PROTOCOL:
            self._select(call, data)
        elif op is VoiceOp.SPEAKING:
            self._speaking(call, data)
        elif op is VoiceOp.DAVE_TRANSITION_READY and call.group is not None:
            call.group.ready(_whole(data.get("transition_id")))
        elif op is VoiceOp.MLS_INVALID_COMMIT_WELCOME and call.group is not None:
            self._server.record(call.guild_id).flaw(f"call {call.number}: it did not understand a commit or welcome")

    def _receive_binary(self, body: bytes) -> None:
        call = self._connection.call
        if call is None:
            raise VoiceClosing(VoiceClose.NOT_AUTHENTICATED, "Not authenticated.")
        if call.group is None or body[0] not in (VoiceOp.MLS_KEY_PACKAGE, VoiceOp.MLS_COMMIT_WELCOME):
            raise VoiceClosing(VoiceClose.UNKNOWN_OPCODE, "Unknown opcode.")
        op = VoiceOp(body[0])
        self._server.note(sent=False, op=op, data=len(body))
        try:
            if op is VoiceOp.MLS_KEY_PACKAGE and self._faults.silent("group"):
                call.group.waiting = body[1:]
            elif op is VoiceOp.MLS_KEY_PACKAGE:
                self._server.let_in(call, body[1:])
            else:
                call.group.committed(body[1:])
        except Malformed as reason:
            self._server.record(call.guild_id).flaw(f"call {call.number}: {op.name}: {reason}")
            raise VoiceClosing(VoiceClose.BAD_REQUEST, "Bad request.") from None

    def _identify(self, data: Mapping[str, Any]) -> None:  # Any: JSON
        call = self._claimed(data)
        if str(data.get("user_id")) != str(call.user_id):
            raise VoiceClosing(VoiceClose.AUTHENTICATION_FAILED, "Authentication failed.")
        if self._server.encrypts(call) and _whole(data.get("max_dave_protocol_version")) < dave.VERSION:
            raise VoiceClosing(VoiceClose.DAVE_REQUIRED, "E2EE/DAVE protocol required.")
        self._attach(call)
        host, port = LOOPBACK, self._server.udp_port
        ready: Json = {"ssrc": call.ssrc, "ip": host, "port": port, "modes": [MODE], "experiments": [], "streams": []}
        self._server.send(call, VoiceOp.READY, ready)

    def _resume(self, data: Mapping[str, Any]) -> None:  # Any: JSON
        call, seen = self._claimed(data), data.get("seq_ack", -1)
        if not call.described or not isinstance(seen, int) or seen > call.sequence:
            raise VoiceClosing(VoiceClose.SESSION_INVALID, "Session is no longer valid.")
        self._attach(call)
        call.replay(seen)
        self._server.send(call, VoiceOp.RESUMED, None)

    def _claimed(self, data: Mapping[str, Any]) -> Call:  # Any: JSON
        """The call that somebody says is theirs.

        Raises:
            VoiceClosing: there is none, or not with that session or token.
        """
        number = str(data.get("server_id"))
        call = self._server.calls.get(int(number)) if number.isdecimal() else None
        if call is None or data.get("session_id") != call.state.session_id or data.get("token") != call.token:
            raise VoiceClosing(VoiceClose.SESSION_INVALID, "Session is no longer valid.")
        return call

    def _attach(self, call: Call) -> None:
        if call.connection is not None:
            call.connection.end(VoiceClose.SESSION_INVALID)
            call.connection.call = None
        self._connection.call, call.connection = call, self._connection

    def _select(self, call: Call, data: Mapping[str, Any]) -> None:  # Any: JSON
        chosen = data.get("data")
        if data.get("protocol") != "udp" or not isinstance(chosen, dict):
            raise VoiceClosing(VoiceClose.UNKNOWN_PROTOCOL, "Unknown protocol.")
        if chosen.get("mode") != MODE:
            raise VoiceClosing(VoiceClose.UNKNOWN_MODE, "Unknown encryption mode.")
        if (chosen.get("address"), chosen.get("port")) != call.address:
            self._server.record(call.guild_id).flaw(f"call {call.number}: an address that was not discovered")
        call.described = True
        others = self._server.others(call)
        if others:
            self._server.send(call, VoiceOp.CLIENTS_CONNECT, {"user_ids": [str(user.id) for user in others]})
        description: Json = {
            "mode": MODE,
            "secret_key": list(call.key),
            "audio_codec": "opus",
            "media_session_id": secrets.token_hex(16),
            "dave_protocol_version": dave.VERSION if self._server.encrypts(call) else 0,
        }
        self._server.send(call, VoiceOp.SESSION_DESCRIPTION, description)
        if self._server.encrypts(call):
            send, send_binary = (
                functools.partial(self._server.send, call),
                functools.partial(self._server.send_binary, call),
            )
            call.group = dave.Group(call, send, send_binary)
            call.group.greet()

    def _speaking(self, call: Call, data: Mapping[str, Any]) -> None:  # Any: JSON
        if data.get("ssrc") != call.ssrc:
            self._server.record(call.guild_id).flaw(f"call {call.number}: speaks as ssrc {data.get('ssrc')}")
            return
        call.announced = True
        call.speaking = bool(data.get("speaking"))
        call.take_early()


def _whole(value: object) -> int:
    """A whole number as it stands in JSON; 0 where it is none."""
    return value if isinstance(value, int) else 0
