"""Messages with their current content, their earlier versions, and who they pinged."""

import re
from dataclasses import dataclass, field
from enum import IntFlag

from sandbox.discord.entities import User
from sandbox.json_object import Json


class MessageFlag(IntFlag):
    """Message flags. https://discord.com/developers/docs/resources/message"""

    SUPPRESS_EMBEDS = 1 << 2
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    IS_COMPONENTS_V2 = 1 << 15


@dataclass(frozen=True, slots=True)
class Attachment:
    """A message's attachment with its bytes."""

    id: int
    filename: str
    data: bytes
    media_type: str
    url: str
    description: str | None = None
    width: int | None = None
    height: int | None = None
    ephemeral: bool = False

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)

    @property
    def spoiler(self) -> bool:
        """Whether it is hidden until clicked."""
        return self.filename.startswith("SPOILER_")


@dataclass(frozen=True, slots=True)
class Pings:
    """Whom a message notifies; false for no one."""

    users: frozenset[int] = frozenset()
    roles: frozenset[int] = frozenset()
    everyone: bool = False

    def __bool__(self) -> bool:
        return bool(self.users or self.roles or self.everyone)

    def __or__(self, other: "Pings") -> "Pings":
        return Pings(self.users | other.users, self.roles | other.roles, self.everyone or other.everyone)


@dataclass(frozen=True, slots=True)
class Version:
    """What a message showed from a time on (`at`: seconds since 1970)."""

    at: float
    content: str
    files: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Message:
    """A message.

    `pinged` has everyone whom any of its versions notified, permissions not considered. `history` has all versions in
    order, the current one last.
    """

    id: int
    channel_id: int
    author: User
    content: str
    created_at: float
    type: int = 0
    guild_id: int | None = None
    flags: int = 0
    attachments: list[Attachment] = field(default_factory=list)
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    mentions: Pings = field(default_factory=Pings)
    pinged: Pings = field(default_factory=Pings)
    nonce: str | int | None = None
    reply_to: int | None = None
    interaction_id: int | None = None
    interaction_metadata: Json | None = None
    command_name: str | None = None
    invoker: User | None = None
    edited_at: float | None = None
    deleted: bool = False
    reactions: dict[str, set[int]] = field(default_factory=dict)
    history: list[Version] = field(default_factory=list)

    @property
    def ephemeral(self) -> bool:
        """Whether only the invoker sees it."""
        return bool(self.flags & MessageFlag.EPHEMERAL)

    @property
    def loading(self) -> bool:
        """Whether it still says "thinking…"."""
        return bool(self.flags & MessageFlag.LOADING)

    @property
    def edits(self) -> list[Version]:
        """The versions after the first."""
        return self.history[1:]

    @property
    def previews(self) -> list[str]:
        """The links for which Discord would show a preview: not in code, in <angle brackets>, or when suppressed."""
        if self.flags & MessageFlag.SUPPRESS_EMBEDS or self.loading:
            return []
        prose = _CODE.sub(" ", self.content)
        return [match.group("link") for match in _LINK.finditer(prose) if not match.group("guard")]

    def record(self, at: float) -> None:
        """Add its current version to its history."""
        names = tuple(attachment.filename for attachment in self.attachments)
        self.history.append(Version(at, self.content, names))


_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_LINK = re.compile(r"(?P<guard><)?(?P<link>https?://[^\s<>\"')\]]+)")
