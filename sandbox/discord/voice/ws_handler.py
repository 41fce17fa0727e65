"""Handles what the bot sends on a voice websocket."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from aiohttp import WSMsgType

from sandbox.change_signal import ChangeSignal
from sandbox.discord.voice import dave
from sandbox.discord.voice.call import Call, VoiceConnection
from sandbox.discord.voice.calls import VoiceCalls
from sandbox.discord.voice.faults import VoiceFaults
from sandbox.discord.voice.mls import MalformedMls
from sandbox.discord.voice.protocol import LOOPBACK, MODE, CloseVoiceConnection, VoiceCloseCode, VoiceOpcode
from sandbox.discord.voice.udp import UdpSocket
from sandbox.json_object import Json


class VoiceWsHandler:
    """Handles the messages of one connection: the bot identifies or resumes, then keeps its call going."""

    def __init__(
        self,
        connection: VoiceConnection,
        calls: VoiceCalls,
        udp: UdpSocket,
        faults: VoiceFaults,
        changed: ChangeSignal,
    ) -> None:
        self._connection = connection
        self._calls = calls
        self._udp = udp
        self._faults = faults
        self._changed = changed

    def receive(self, kind: WSMsgType, body: str | bytes) -> None:
        """Handle a message.

        Raises:
            CloseVoiceConnection: the connection has to be closed.
        """
        if kind is WSMsgType.BINARY and isinstance(body, bytes) and body:
            self._receive_binary(body)
            return
        op, data = _decode(body)
        self._changed.notify()
        call = self._connection.call
        if op is VoiceOpcode.HEARTBEAT:
            self._connection.send(VoiceOpcode.HEARTBEAT_ACK, {"t": data.get("t")})
        elif op in (VoiceOpcode.IDENTIFY, VoiceOpcode.RESUME):
            self._begin(op, data)
        elif call is None:
            raise CloseVoiceConnection(VoiceCloseCode.NOT_AUTHENTICATED, "Not authenticated.")
        else:
            self._receive_in_call(call, op, data)

    def _begin(self, op: VoiceOpcode, data: Mapping[str, Any]) -> None:  # Any: JSON
        if self._connection.call is not None:
            raise CloseVoiceConnection(VoiceCloseCode.ALREADY_AUTHENTICATED, "Already authenticated.")
        code = self._faults.take_close_code()
        if code is not None:
            raise CloseVoiceConnection(code, "This was asked for.")
        (self._identify if op is VoiceOpcode.IDENTIFY else self._resume)(data)

    def _receive_in_call(self, call: Call, op: VoiceOpcode, data: Mapping[str, Any]) -> None:  # Any: JSON
        match op:
            case VoiceOpcode.SELECT_PROTOCOL:
                self._select_protocol(call, data)
            case VoiceOpcode.SPEAKING:
                self._set_speaking(call, data)
            case VoiceOpcode.DAVE_TRANSITION_READY if call.group is not None:
                call.group.confirm_transition(_int(data.get("transition_id")))
            case VoiceOpcode.MLS_INVALID_COMMIT_WELCOME if call.group is not None:
                recorder = self._calls.get_recorder(call.guild_id)
                recorder.add_flaw(f"call {call.number}: it did not understand a commit or welcome")

    def _receive_binary(self, body: bytes) -> None:
        call = self._connection.call
        if call is None:
            raise CloseVoiceConnection(VoiceCloseCode.NOT_AUTHENTICATED, "Not authenticated.")
        if call.group is None or body[0] not in (VoiceOpcode.MLS_KEY_PACKAGE, VoiceOpcode.MLS_COMMIT_WELCOME):
            raise CloseVoiceConnection(VoiceCloseCode.UNKNOWN_OPCODE, "Unknown opcode.")
        op = VoiceOpcode(body[0])
        self._changed.notify()
        try:
            if op is VoiceOpcode.MLS_KEY_PACKAGE and self._faults.take_unanswered("group"):
                call.group.pending_key_package = body[1:]
            elif op is VoiceOpcode.MLS_KEY_PACKAGE:
                self._calls.add_bot_to_group(call, body[1:])
            else:
                call.group.apply_commit(body[1:])
        except MalformedMls as reason:
            self._calls.get_recorder(call.guild_id).add_flaw(f"call {call.number}: {op.name}: {reason}")
            raise CloseVoiceConnection(VoiceCloseCode.BAD_REQUEST, "Bad request.") from None

    def _identify(self, data: Mapping[str, Any]) -> None:  # Any: JSON
        call = self._find_call(data)
        if str(data.get("user_id")) != str(call.user_id):
            raise CloseVoiceConnection(VoiceCloseCode.AUTHENTICATION_FAILED, "Authentication failed.")
        if self._calls.is_encrypted(call) and _int(data.get("max_dave_protocol_version")) < dave.VERSION:
            raise CloseVoiceConnection(VoiceCloseCode.DAVE_REQUIRED, "E2EE/DAVE protocol required.")
        self._attach(call)
        host, port = LOOPBACK, self._udp.port
        ready: Json = {"ssrc": call.ssrc, "ip": host, "port": port, "modes": [MODE], "experiments": [], "streams": []}
        self._calls.send(call, VoiceOpcode.READY, ready)

    def _resume(self, data: Mapping[str, Any]) -> None:  # Any: JSON
        call, seen = self._find_call(data), data.get("seq_ack", -1)
        if not call.described or not isinstance(seen, int) or seen > call.sequence:
            raise CloseVoiceConnection(VoiceCloseCode.SESSION_INVALID, "Session is no longer valid.")
        self._attach(call)
        call.replay(seen)
        self._calls.send(call, VoiceOpcode.RESUMED, None)

    def _find_call(self, data: Mapping[str, Any]) -> Call:  # Any: JSON
        """Return the call that the client identifies for.

        Raises:
            CloseVoiceConnection: there is none with that guild, session and token.
        """
        number = str(data.get("server_id"))
        call = self._calls.get(int(number)) if number.isdecimal() else None
        if call is None or data.get("session_id") != call.voice_state.session_id or data.get("token") != call.token:
            raise CloseVoiceConnection(VoiceCloseCode.SESSION_INVALID, "Session is no longer valid.")
        return call

    def _attach(self, call: Call) -> None:
        if call.connection is not None:
            call.connection.end(VoiceCloseCode.SESSION_INVALID)
            call.connection.call = None
        self._connection.call, call.connection = call, self._connection

    def _select_protocol(self, call: Call, data: Mapping[str, Any]) -> None:  # Any: JSON
        chosen = data.get("data")
        if data.get("protocol") != "udp" or not isinstance(chosen, dict):
            raise CloseVoiceConnection(VoiceCloseCode.UNKNOWN_PROTOCOL, "Unknown protocol.")
        if chosen.get("mode") != MODE:
            raise CloseVoiceConnection(VoiceCloseCode.UNKNOWN_MODE, "Unknown encryption mode.")
        if (chosen.get("address"), chosen.get("port")) != call.address:
            self._calls.get_recorder(call.guild_id).add_flaw(f"call {call.number}: an address that was not discovered")
        call.described = True
        others = self._calls.list_others(call)
        if others:
            self._calls.send(call, VoiceOpcode.CLIENTS_CONNECT, {"user_ids": [str(user.id) for user in others]})
        description: Json = {
            "mode": MODE,
            "secret_key": list(call.key),
            "audio_codec": "opus",
            "media_session_id": secrets.token_hex(16),
            "dave_protocol_version": dave.VERSION if self._calls.is_encrypted(call) else 0,
        }
        self._calls.send(call, VoiceOpcode.SESSION_DESCRIPTION, description)
        if self._calls.is_encrypted(call):
            self._calls.start_group(call)

    def _set_speaking(self, call: Call, data: Mapping[str, Any]) -> None:  # Any: JSON
        if data.get("ssrc") != call.ssrc:
            self._calls.get_recorder(call.guild_id).add_flaw(f"call {call.number}: speaks as ssrc {data.get('ssrc')}")
            return
        call.announced = True
        call.speaking = bool(data.get("speaking"))
        call.record_early()


def _decode(body: str | bytes) -> tuple[VoiceOpcode, Json]:
    try:
        frame = json.loads(body)
        op, data = VoiceOpcode(frame["op"]), frame.get("d")
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        raise CloseVoiceConnection(VoiceCloseCode.DECODE_ERROR, "Failed to decode payload.") from None
    except ValueError:
        raise CloseVoiceConnection(VoiceCloseCode.UNKNOWN_OPCODE, "Unknown opcode.") from None
    if not isinstance(data, dict):
        raise CloseVoiceConnection(VoiceCloseCode.DECODE_ERROR, "Failed to decode payload.")
    return op, data


def _int(value: object) -> int:
    """Return an integer from JSON; 0 for anything else."""
    return value if isinstance(value, int) else 0
