"""What is kept about one member, in all servers and direct messages: to see, to take along, to have deleted."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.clock import Clock, unix_ms
from bot.context import RequestContext
from bot.errors import StoreUnavailable
from bot.history.exports import LARGEST, VERSION, Export, Json, as_json, json_file, moment
from bot.messages.message import plain
from bot.store.personal_data import ChannelTurnCount, PersonalData
from bot.store.turn_deletion import TurnDeletion
from bot.store.turn_reader import TurnReader
from bot.store.turns import Turn

_READ_AT_ONCE: Final = 100
_FORMAT: Final = "multiappai-discord-own-data"
_HALFWAY: Final = "I couldn't delete everything just now: my memory is out of reach. Please try again in a moment."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept about a member: their turns by channel, and the number of other rows by table."""

    places: Sequence[ChannelTurnCount]
    others: Mapping[str, int]

    @property
    def turns(self) -> int:
        """How many turns there are in all."""
        return sum(place.turns for place in self.places)


class MemberData:
    """A member's own data; nobody but the member asks. Every method may raise StoreUnavailable.

    `days` is how long turns are kept.
    """

    def __init__(
        self, members: PersonalData, archive: TurnReader, removals: TurnDeletion, clock: Clock, *, days: int
    ) -> None:
        self.days = days
        self._members = members
        self._archive = archive
        self._removals = removals
        self._clock = clock

    async def kept(self, requester: RequestContext) -> Kept:
        """Tell what is kept about the requester."""
        others = await self._members.traces(requester.user_id)
        return Kept(
            await self._members.places(requester.user_id), {table: len(rows) for table, rows in others.items() if rows}
        )

    async def export(self, requester: RequestContext, room: int) -> Export:
        """Write all of it to a JSON file of at most `room` bytes, the oldest turns left out where not all fits."""

        async def reading(before: int) -> list[Turn]:
            return await self._archive.of_member(requester.user_id, before, _READ_AT_ONCE)

        now = moment(unix_ms(self._clock.discord_now()))
        others = await self._members.traces(requester.user_id)
        fitting = await _fitting(others, min(room, LARGEST) // 2)
        facts: Json = {
            "format": _FORMAT,
            "version": VERSION,
            "exported_at": now,
            "member_id": str(requester.user_id),
            "others_kept": {table: len(rows) for table, rows in others.items()},
            "others": fitting,
        }
        total = sum(place.turns for place in await self._members.places(requester.user_id))
        export = await json_file(f"my-data-{now[:10]}", facts, total, reading, room)
        left_out = sum(map(len, others.values())) - sum(map(len, fitting.values()))
        return replace(export, others_left_out=left_out)

    async def delete(self, requester: RequestContext) -> int:
        """Delete the requester's turns everywhere and take their id out of all else; returns how many turns went.

        An answer of theirs that is still being written is not kept either.
        """
        try:
            turns = await self._removals.of_member(requester.user_id, at_ms=requester.asked_ms(self._clock))
            others = await self._members.forget(requester.user_id)
        except StoreUnavailable as error:
            raise StoreUnavailable(str(error), message=plain(_HALFWAY)) from error
        # Without the id: this is the one member whose id the log should not bear.
        log.info("a member's data deleted", extra={"turns": turns, "others": others})
        return turns


async def _fitting(others: Mapping[str, Sequence[Mapping[str, int | str | None]]], room: int) -> dict[str, list[Json]]:
    """Write as many rows as fit `room` bytes."""
    fitting: dict[str, list[Json]] = {table: [] for table in others}
    for table, rows in others.items():
        for row in rows:
            written = _with_texts(row)
            room -= len(as_json({table: [written]}).encode())  # with its surroundings: somewhat more than it takes
            if room < 0:
                return fitting
            fitting[table].append(written)
            await asyncio.sleep(0)  # there may be thousands
    return fitting


def _with_texts(row: Mapping[str, int | str | None]) -> Json:
    """Write ids as texts and times as dates, as the turns have them."""
    written: Json = {}
    for name, value in row.items():
        if isinstance(value, int) and name.endswith("_at_ms"):
            written[name.removesuffix("_ms")] = moment(value)
        else:
            written[name] = str(value) if isinstance(value, int) and name.endswith("_id") else value
    return written
