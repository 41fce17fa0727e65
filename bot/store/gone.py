"""What went away a moment ago: an answer that is still being written must not be kept afterwards."""

from collections.abc import Iterable
from typing import Final

MOST_KEPT: Final = 10_000
"""Of each sort; the oldest make room. An answer takes minutes at most, and ids are all that is kept."""


class Gone:
    """The messages, threads and channels deleted last, and the members whose data was. In this process's memory.

    Every process that can be writing an answer hears itself of what is deleted around it, so there is no need to share.
    """

    def __init__(self) -> None:
        self._things: dict[int, None] = {}
        self._members: dict[int, int] = {}

    def note(self, ids: Iterable[int]) -> None:
        """Remember that the messages, threads or channels with these ids are gone."""
        for each in ids:
            self._things[each] = None
        _trim(self._things)

    def note_member(self, member_id: int, at_ms: int) -> None:
        """Remember that everything of this member that was asked up to now is to be forgotten."""
        self._members.pop(member_id, None)
        self._members[member_id] = at_ms
        _trim(self._members)

    def any_of(self, ids: Iterable[int | None]) -> bool:
        """Tell whether one of these messages, threads or channels is gone."""
        return any(each in self._things for each in ids)

    def forgotten(self, member_id: int, asked_at_ms: int) -> bool:
        """Tell whether what the member asked at that time is to be forgotten."""
        return asked_at_ms <= self._members.get(member_id, -1)


def _trim(kept: dict[int, None] | dict[int, int]) -> None:
    while len(kept) > MOST_KEPT:
        del kept[next(iter(kept))]
