"""The end-to-end encryption of a call (DAVE): the bot is remote, every other user in its channel has a session here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.discord.voice.mls import ExternalSender, MalformedMls, encode_proposals, split_commit
from sandbox.discord.voice.protocol import VoiceOpcode

if TYPE_CHECKING:
    from davey import DaveSession

VERSION = 1
_APPEND = b"\x00"  # the operation type in opcode 27: append these proposals to earlier ones
_MARK = b"\xfa\xfa"  # the last bytes of every encrypted frame


@dataclass(slots=True)
class _PendingChange:
    """Who is added and removed by the commit that is waited for."""

    added: dict[int, "DaveSession"] = field(default_factory=dict)
    removed: list[int] = field(default_factory=list)
    proposals: bytes = b""


class DaveGroup:
    """The MLS group of one call. Members that were there first add the bot; from then on the bot makes every commit.

    Args:
        channel_id: the call's channel; its id is the group's.
        bot_id: the bot's user id.
        send: sends a message to the bot.
        send_binary: sends a binary message to the bot.
    """

    def __init__(
        self,
        channel_id: int,
        bot_id: int,
        send: Callable[[VoiceOpcode, object], None],
        send_binary: Callable[[VoiceOpcode, bytes], None],
    ) -> None:
        self.transitions = 0
        """How many transitions the bot was sent."""
        self.executed = 0
        """The newest transition that the bot is ready for."""
        self.pending_key_package: bytes | None = None
        """The bot's key package while it is not added to the group on purpose."""
        self._channel_id = channel_id
        self._bot_id = bot_id
        self._send = send
        self._send_binary = send_binary
        self._sender = ExternalSender()
        self._members: dict[int, DaveSession] = {}
        self._epoch = 0
        self._joined = False
        self._wanted: list[int] = []  # the users in the channel: in the group or about to be
        self._change: _PendingChange | None = None

    @property
    def members(self) -> frozenset[int]:
        """The users in the group besides the bot."""
        return frozenset(self._members)

    def announce_sender(self) -> None:
        """Send the bot the external sender whose proposals it has to accept."""
        self._send_binary(VoiceOpcode.MLS_EXTERNAL_SENDER, self._sender.package)

    def renew(self) -> None:
        """Start the group over at epoch 1; the bot answers with a key package."""
        self._send(VoiceOpcode.DAVE_PREPARE_EPOCH, {"transition_id": 0, "epoch": 1, "protocol_version": VERSION})

    def add_bot(self, key_package: bytes, user_ids: Iterable[int]) -> None:
        """Add the bot by its key package to a new group with the users in the channel.

        The first of the users creates the group with all others and the bot in it. A bot that is alone is in a group
        of its own, and adds who joins.

        Raises:
            MalformedMls: it is no key package.
        """
        self.pending_key_package = None
        self._wanted = list(user_ids)
        self._members, self._change, self._epoch, self._joined = {}, None, 0, True
        if not self._wanted:
            return
        sessions = {user_id: self._session(user_id) for user_id in self._wanted}
        founder = sessions[self._wanted[0]]
        packages = [sessions[user_id].get_serialized_key_package() for user_id in self._wanted[1:]] + [key_package]
        try:
            commit, welcome = _process_proposals(founder, self._build_proposals(packages, []))
        except ValueError as error:
            raise MalformedMls(str(error)) from error
        founder.process_commit(commit)
        for user_id in self._wanted[1:]:
            sessions[user_id].process_welcome(welcome)
        self._members, self._epoch = sessions, 1
        self._transition(VoiceOpcode.MLS_WELCOME, welcome)

    def add_user(self, user_id: int) -> None:
        """Add a user who joined the channel."""
        if self._joined and user_id not in self._wanted:
            self._wanted.append(user_id)
            self._propose()

    def remove_user(self, user_id: int) -> None:
        """Remove a user who left the channel."""
        if user_id in self._wanted:
            self._wanted.remove(user_id)
            self._propose()

    def apply_commit(self, data: bytes) -> None:
        """Apply the bot's commit and the welcome for added users.

        Raises:
            MalformedMls: it is no commit, or none was asked for.
        """
        change, self._change = self._change, None
        if change is None:
            raise MalformedMls("no commit was asked for")
        commit, welcome = split_commit(data)
        try:
            for user_id in change.removed:
                self._members.pop(user_id, None)
            for session in self._members.values():
                _process_proposals(session, change.proposals)
                session.process_commit(commit)
            for session in change.added.values():
                session.process_welcome(welcome)
        except ValueError as error:  # davey raises it for anything it rejects
            raise MalformedMls(str(error)) from error
        self._members |= change.added
        self._epoch += 1
        self._transition(VoiceOpcode.MLS_ANNOUNCE_COMMIT, commit)
        self._propose()

    def confirm_transition(self, transition: int) -> None:
        """Execute a transition that the bot is ready for."""
        if self.executed < transition <= self.transitions:
            self.executed = transition
            self._send(VoiceOpcode.DAVE_EXECUTE_TRANSITION, {"transition_id": transition})

    def decrypt(self, frame: bytes) -> tuple[bytes, frozenset[int], str | None]:
        """Return a frame's Opus packet, the users who could decrypt it, and the reason where none could."""
        from davey import MediaType

        opus, able = b"", set()
        for user_id, session in self._members.items():
            try:
                opus = session.decrypt(self._bot_id, MediaType.audio, frame)
            except ValueError:
                continue
            able.add(user_id)
        if able:
            return opus, frozenset(able), None
        if frame.endswith(_MARK):
            return b"", frozenset(), "not to be opened"
        return frame, frozenset(), "not encrypted"

    def _propose(self) -> None:
        """Propose the difference between the channel and the group, unless a commit is pending."""
        if self._change is not None:
            return
        added = [user_id for user_id in self._wanted if user_id not in self._members]
        removed = [user_id for user_id in self._members if user_id not in self._wanted]
        if not added and not removed:
            return
        change = _PendingChange({user_id: self._session(user_id) for user_id in added}, removed)
        packages = [session.get_serialized_key_package() for session in change.added.values()]
        change.proposals = self._build_proposals(packages, removed)
        self._change = change
        self._send_binary(VoiceOpcode.MLS_PROPOSALS, _APPEND + change.proposals)

    def _build_proposals(self, packages: Iterable[bytes], removed: Iterable[int]) -> bytes:
        group_id, epoch = self._channel_id, self._epoch
        leaves = [self._members[user_id].own_leaf_index or 0 for user_id in removed]
        return encode_proposals(
            [self._sender.remove(group_id, epoch, leaf) for leaf in leaves]
            + [self._sender.add(group_id, epoch, package) for package in packages]
        )

    def _transition(self, op: VoiceOpcode, message: bytes) -> None:
        self.transitions += 1
        self._send_binary(op, self.transitions.to_bytes(2, "big") + message)

    def _session(self, user_id: int) -> "DaveSession":
        from davey import DaveSession

        session = DaveSession(VERSION, user_id, self._channel_id)
        session.set_external_sender(self._sender.package)
        return session


def _process_proposals(session: "DaveSession", proposals: bytes) -> tuple[bytes, bytes]:
    """Return the commit that a member makes of proposals, and the welcome for added members."""
    from davey import ProposalsOperationType

    result = session.process_proposals(ProposalsOperationType.append, proposals)
    return (b"", b"") if result is None else (result.commit, result.welcome or b"")
