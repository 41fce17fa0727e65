"""The rules of spending: what is counted, for whom, and how much of it there is."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from bot.caller import Caller
from bot.quotas.windows import Per


class Kind(StrEnum):
    """What is counted."""

    MESSAGES = "messages"
    TOKENS = "tokens"
    SPEECH_CHARACTERS = "speech_characters"
    IMAGES = "images"


class Scope(StrEnum):
    """Whose use is counted together."""

    MEMBER = "member"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Rule:
    """One limit that binds a caller.

    `subject` is a member's id, a server's id, or for a member's direct messages, which count as a server of their own,
    the member's id negated. `limit` None means that use is counted and never refused.
    """

    scope: Scope
    subject: int
    kind: Kind
    per: Per
    limit: int | None

    @property
    def for_direct_messages(self) -> bool:
        """Whether the server is a member's direct messages."""
        return self.scope is Scope.SERVER and self.subject < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """The operator's limits, all per day: numbers, or None for unlimited."""

    member_messages: int | None
    member_speech_characters: int | None
    member_images: int | None
    server_messages: int | None
    server_tokens: int | None
    server_speech_characters: int | None
    server_images: int | None

    def rules_for(self, caller: Caller) -> list[Rule]:
        """Give every ceiling that binds `caller` where they are, the member's first.

        A member is counted once over all servers and direct messages.
        """
        return [*self._member_rules(caller.user_id), *self.server_rules_for(caller)]

    def server_rules_for(self, caller: Caller) -> list[Rule]:
        """Give the ceilings of the server that `caller` is in, or of their direct messages."""
        subject = -caller.user_id if caller.guild_id is None else caller.guild_id
        limits = {
            Kind.MESSAGES: self.server_messages,
            Kind.TOKENS: self.server_tokens,
            Kind.SPEECH_CHARACTERS: self.server_speech_characters,
            Kind.IMAGES: self.server_images,
        }
        return [Rule(Scope.SERVER, subject, kind, Per.DAY, limit) for kind, limit in limits.items()]

    def _member_rules(self, user_id: int) -> Iterator[Rule]:
        limits = {
            Kind.MESSAGES: self.member_messages,
            Kind.SPEECH_CHARACTERS: self.member_speech_characters,
            Kind.IMAGES: self.member_images,
        }
        for kind, limit in limits.items():
            yield Rule(Scope.MEMBER, user_id, kind, Per.DAY, limit)
