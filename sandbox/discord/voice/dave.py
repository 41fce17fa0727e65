"""The end-to-end encryption of a call (DAVE): the bot far away, and everyone in its channel with a session here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.discord.voice.call import Call
from sandbox.discord.voice.mls import ExternalSender, MalformedMls, encode_proposals, split_commit
from sandbox.discord.voice.protocol import VoiceOpcode

if TYPE_CHECKING:
    from davey import DaveSession

VERSION = 1
_APPEND = b"\x00"  # the kind of operation in opcode 27: proposals to be added to those there are
_MARK = b"\xfa\xfa"  # the last bytes of every encrypted frame


@dataclass(slots=True)
class _Change:
    """Who comes and who goes with the commit that is waited for."""

    coming: dict[int, "DaveSession"] = field(default_factory=dict)
    going: list[int] = field(default_factory=list)
    proposals: bytes = b""


class DaveGroup:
    """The group of one call. The bot makes every commit once it is in; who was there before it takes it in.

    Args:
        call: whose group it is; its channel's id is the group's.
        send: sends a message to the bot.
        send_binary: sends a binary one.
    """

    def __init__(
        self, call: Call, send: Callable[[VoiceOpcode, object], None], send_binary: Callable[[VoiceOpcode, bytes], None]
    ) -> None:
        self.transitions = 0
        """How many changes of the group the bot was told of."""
        self.executed = 0
        """The newest of them that the bot said it is ready for."""
        self.waiting: bytes | None = None
        """The bot's key package while it is kept waiting."""
        self._call = call
        self._send = send
        self._send_binary = send_binary
        self._sender = ExternalSender()
        self._members: dict[int, DaveSession] = {}
        self._epoch = 0
        self._joined = False
        self._wanted: list[int] = []  # who is in the channel, in the group or about to be
        self._change: _Change | None = None

    @property
    def members(self) -> frozenset[int]:
        """Who is in the group besides the bot."""
        return frozenset(self._members)

    def greet(self) -> None:
        """Tell the bot whose proposals it has to believe."""
        self._send_binary(VoiceOpcode.MLS_EXTERNAL_SENDER, self._sender.package)

    def renew(self) -> None:
        """Have the group made anew from its beginning; the bot answers with a key package."""
        self._send(VoiceOpcode.DAVE_PREPARE_EPOCH, {"transition_id": 0, "epoch": 1, "protocol_version": VERSION})

    def takes_in(self, key_package: bytes, people: Iterable[int]) -> None:
        """Take the bot in, by the package of its keys, among the people who are there; a group before is forgotten.

        The first of the people makes the group with all others and the bot in it. A bot that is alone is in a group of
        its own, and lets in whoever comes.

        Raises:
            MalformedMls: it is no key package.
        """
        self.waiting = None
        self._wanted = list(people)
        self._members, self._change, self._epoch, self._joined = {}, None, 0, True
        if not self._wanted:
            return
        sessions = {user_id: self._session(user_id) for user_id in self._wanted}
        founder = sessions[self._wanted[0]]
        packages = [sessions[user_id].get_serialized_key_package() for user_id in self._wanted[1:]] + [key_package]
        try:
            made = _processed(founder, self._proposed(packages, []))
        except ValueError as error:
            raise MalformedMls(str(error)) from error
        commit, welcome = made
        founder.process_commit(commit)
        for user_id in self._wanted[1:]:
            sessions[user_id].process_welcome(welcome)
        self._members, self._epoch = sessions, 1
        self._transition(VoiceOpcode.MLS_WELCOME, welcome)

    def came(self, user_id: int) -> None:
        """Let somebody in who came into the channel."""
        if self._joined and user_id not in self._wanted:
            self._wanted.append(user_id)
            self._propose()

    def went(self, user_id: int) -> None:
        """Shut somebody out who left the channel."""
        if user_id in self._wanted:
            self._wanted.remove(user_id)
            self._propose()

    def committed(self, data: bytes) -> None:
        """Take the bot's commit, with the welcome for those who come.

        Raises:
            MalformedMls: it is none, or none was asked for.
        """
        change, self._change = self._change, None
        if change is None:
            raise MalformedMls("no commit was asked for")
        commit, welcome = split_commit(data)
        try:
            for user_id in change.going:
                self._members.pop(user_id, None)
            for session in self._members.values():
                _processed(session, change.proposals)
                session.process_commit(commit)
            for session in change.coming.values():
                session.process_welcome(welcome)
        except ValueError as error:  # what davey raises for whatever it does not like
            raise MalformedMls(str(error)) from error
        self._members |= change.coming
        self._epoch += 1
        self._transition(VoiceOpcode.MLS_ANNOUNCE_COMMIT, commit)
        self._propose()

    def ready(self, transition: int) -> None:
        """Hear that the bot is ready for a change, and tell it that the change is made."""
        if self.executed < transition <= self.transitions:
            self.executed = transition
            self._send(VoiceOpcode.DAVE_EXECUTE_TRANSITION, {"transition_id": transition})

    def opened(self, frame: bytes) -> tuple[bytes, frozenset[int], str | None]:
        """What is in a frame of the bot's, who could open it, and why nobody could."""
        from davey import MediaType

        sound, able = b"", set()
        for user_id, session in self._members.items():
            try:
                sound = session.decrypt(self._call.user_id, MediaType.audio, frame)
            except ValueError:
                continue
            able.add(user_id)
        if able:
            return sound, frozenset(able), None
        if frame.endswith(_MARK):
            return b"", frozenset(), "not to be opened"
        return frame, frozenset(), "not encrypted"

    def _propose(self) -> None:
        """Propose what differs between the channel and the group, unless a commit is still waited for."""
        if self._change is not None:
            return
        coming = [user_id for user_id in self._wanted if user_id not in self._members]
        going = [user_id for user_id in self._members if user_id not in self._wanted]
        if not coming and not going:
            return
        change = _Change({user_id: self._session(user_id) for user_id in coming}, going)
        packages = [session.get_serialized_key_package() for session in change.coming.values()]
        change.proposals = self._proposed(packages, going)
        self._change = change
        self._send_binary(VoiceOpcode.MLS_PROPOSALS, _APPEND + change.proposals)

    def _proposed(self, packages: Iterable[bytes], going: Iterable[int]) -> bytes:
        group_id, epoch = self._call.voice_state.channel.id, self._epoch
        leaves = [self._members[user_id].own_leaf_index or 0 for user_id in going]
        return encode_proposals(
            [self._sender.remove(group_id, epoch, leaf) for leaf in leaves]
            + [self._sender.add(group_id, epoch, package) for package in packages]
        )

    def _transition(self, op: VoiceOpcode, message: bytes) -> None:
        self.transitions += 1
        self._send_binary(op, self.transitions.to_bytes(2, "big") + message)

    def _session(self, user_id: int) -> "DaveSession":
        from davey import DaveSession

        session = DaveSession(VERSION, user_id, self._call.voice_state.channel.id)
        session.set_external_sender(self._sender.package)
        return session


def _processed(session: "DaveSession", proposals: bytes) -> tuple[bytes, bytes]:
    """What a member makes of proposals: a commit, and a welcome for those who come with it."""
    from davey import ProposalsOperationType

    made = session.process_proposals(ProposalsOperationType.append, proposals)
    return (b"", b"") if made is None else (made.commit, made.welcome or b"")
