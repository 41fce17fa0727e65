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
from sandbox.discord.voice.mls import MalformedMls
from sandbox.discord.voice.protocol import LOOPBACK, MODE, CloseVoiceConnection, VoiceCloseCode, VoiceOpcode
from sandbox.json_object import Json

if TYPE_CHECKING:
    from sandbox.discord.voice.server import VoiceServer


class VoiceWsHandler:
    """Takes the messages of one connection, in which the bot says who it is and then keeps its call going."""

    def __init__(self, connection: VoiceConnection, server: "VoiceServer", faults: VoiceFaults) -> None:
        self._connection = connection
        self._server = server
        self._faults = faults

    def receive(self, kind: WSMsgType, body: str | bytes) -> None:
        """Take a message.

        Raises:
            CloseVoiceConnection: after this one the connection is to be closed.
        """
        if kind is WSMsgType.BINARY and isinstance(body, bytes) and body:
            self._receive_binary(body)
            return
        try:
            frame = json.loads(body)
            op, data = VoiceOpcode(frame["op"]), frame.get("d")
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
            raise CloseVoiceConnection(VoiceCloseCode.DECODE_ERROR, "Failed to decode payload.") from None
        except ValueError:
            raise CloseVoiceConnection(VoiceCloseCode.UNKNOWN_OPCODE, "Unknown opcode.") from None
        if not isinstance(data, dict):
            raise CloseVoiceConnection(VoiceCloseCode.DECODE_ERROR, "Failed to decode payload.")
        self._server.note(sent=False, op=op, data=data)
        call = self._connection.call
        if op is VoiceOpcode.HEARTBEAT:
            self._connection.say(VoiceOpcode.HEARTBEAT_ACK, {"t": data.get("t")})
        elif op in (VoiceOpcode.IDENTIFY, VoiceOpcode.RESUME):
            if call is not None:
                raise CloseVoiceConnection(VoiceCloseCode.ALREADY_AUTHENTICATED, "Already authenticated.")
            ordered = self._faults.take_close_code()
            if ordered is not None:
                raise CloseVoiceConnection(ordered, "This was asked for.")
            (self._identify if op is VoiceOpcode.IDENTIFY else self._resume)(data)
        elif call is None:
            raise CloseVoiceConnection(VoiceCloseCode.NOT_AUTHENTICATED, "Not authenticated.")
        elif op is VoiceOpcode.SELECT_PROTOCOL:
            self._select(call, data)
        elif op is VoiceOpcode.SPEAKING:
            self._speaking(call, data)
        elif op is VoiceOpcode.DAVE_TRANSITION_READY and call.group is not None:
            call.group.ready(_whole(data.get("transition_id")))
        elif op is VoiceOpcode.MLS_INVALID_COMMIT_WELCOME and call.group is not None:
            self._server.record(call.guild_id).flaw(f"call {call.number}: it did not understand a commit or welcome")

    def _receive_binary(self, body: bytes) -> None:
        call = self._connection.call
        if call is None:
            raise CloseVoiceConnection(VoiceCloseCode.NOT_AUTHENTICATED, "Not authenticated.")
        if call.group is None or body[0] not in (VoiceOpcode.MLS_KEY_PACKAGE, VoiceOpcode.MLS_COMMIT_WELCOME):
            raise CloseVoiceConnection(VoiceCloseCode.UNKNOWN_OPCODE, "Unknown opcode.")
        op = VoiceOpcode(body[0])
        self._server.note(sent=False, op=op, data=len(body))
        try:
            if op is VoiceOpcode.MLS_KEY_PACKAGE and self._faults.take_unanswered("group"):
                call.group.waiting = body[1:]
            elif op is VoiceOpcode.MLS_KEY_PACKAGE:
                self._server.let_in(call, body[1:])
            else:
                call.group.committed(body[1:])
        except MalformedMls as reason:
            self._server.record(call.guild_id).flaw(f"call {call.number}: {op.name}: {reason}")
            raise CloseVoiceConnection(VoiceCloseCode.BAD_REQUEST, "Bad request.") from None

    def _identify(self, data: Mapping[str, Any]) -> None:  # Any: JSON
        call = self._claimed(data)
        if str(data.get("user_id")) != str(call.user_id):
            raise CloseVoiceConnection(VoiceCloseCode.AUTHENTICATION_FAILED, "Authentication failed.")
        if self._server.encrypts(call) and _whole(data.get("max_dave_protocol_version")) < dave.VERSION:
            raise CloseVoiceConnection(VoiceCloseCode.DAVE_REQUIRED, "E2EE/DAVE protocol required.")
        self._attach(call)
        host, port = LOOPBACK, self._server.udp_port
        ready: Json = {"ssrc": call.ssrc, "ip": host, "port": port, "modes": [MODE], "experiments": [], "streams": []}
        self._server.send(call, VoiceOpcode.READY, ready)

    def _resume(self, data: Mapping[str, Any]) -> None:  # Any: JSON
        call, seen = self._claimed(data), data.get("seq_ack", -1)
        if not call.described or not isinstance(seen, int) or seen > call.sequence:
            raise CloseVoiceConnection(VoiceCloseCode.SESSION_INVALID, "Session is no longer valid.")
        self._attach(call)
        call.replay(seen)
        self._server.send(call, VoiceOpcode.RESUMED, None)

    def _claimed(self, data: Mapping[str, Any]) -> Call:  # Any: JSON
        """The call that somebody says is theirs.

        Raises:
            CloseVoiceConnection: there is none, or not with that session or token.
        """
        number = str(data.get("server_id"))
        call = self._server.calls.get(int(number)) if number.isdecimal() else None
        if call is None or data.get("session_id") != call.voice_state.session_id or data.get("token") != call.token:
            raise CloseVoiceConnection(VoiceCloseCode.SESSION_INVALID, "Session is no longer valid.")
        return call

    def _attach(self, call: Call) -> None:
        if call.connection is not None:
            call.connection.end(VoiceCloseCode.SESSION_INVALID)
            call.connection.call = None
        self._connection.call, call.connection = call, self._connection

    def _select(self, call: Call, data: Mapping[str, Any]) -> None:  # Any: JSON
        chosen = data.get("data")
        if data.get("protocol") != "udp" or not isinstance(chosen, dict):
            raise CloseVoiceConnection(VoiceCloseCode.UNKNOWN_PROTOCOL, "Unknown protocol.")
        if chosen.get("mode") != MODE:
            raise CloseVoiceConnection(VoiceCloseCode.UNKNOWN_MODE, "Unknown encryption mode.")
        if (chosen.get("address"), chosen.get("port")) != call.address:
            self._server.record(call.guild_id).flaw(f"call {call.number}: an address that was not discovered")
        call.described = True
        others = self._server.others(call)
        if others:
            self._server.send(call, VoiceOpcode.CLIENTS_CONNECT, {"user_ids": [str(user.id) for user in others]})
        description: Json = {
            "mode": MODE,
            "secret_key": list(call.key),
            "audio_codec": "opus",
            "media_session_id": secrets.token_hex(16),
            "dave_protocol_version": dave.VERSION if self._server.encrypts(call) else 0,
        }
        self._server.send(call, VoiceOpcode.SESSION_DESCRIPTION, description)
        if self._server.encrypts(call):
            send, send_binary = (
                functools.partial(self._server.send, call),
                functools.partial(self._server.send_binary, call),
            )
            call.group = dave.DaveGroup(call, send, send_binary)
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
