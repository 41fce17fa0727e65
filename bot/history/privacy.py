"""What is stored about one member, in all servers and direct messages: showing, exporting and deleting it."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.clock import Clock, unix_ms
from bot.context import RequestContext
from bot.errors import StoreUnavailable
from bot.history.exports import MAX_BYTES, VERSION, Export, Json, build_json_file, encode_json, format_time
from bot.messages import privacy as texts
from bot.store.personal_data import ChannelTurnCount, PersonalData, PersonalRows
from bot.store.turn_deletion import TurnDeletion
from bot.store.turn_reader import TurnReader
from bot.store.turns import Turn

_BATCH_TURNS: Final = 100
_FORMAT: Final = "multiappai-discord-own-data"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredData:
    """What is stored about a member: their turns by channel, and how many other rows of each sort there are."""

    channels: Sequence[ChannelTurnCount]
    others: Mapping[PersonalRows, int]

    @property
    def turns(self) -> int:
        """Return how many turns there are in all."""
        return sum(channel.turns for channel in self.channels)


class MemberData:
    """A member's own data; only the member asks for it. Every method may raise StoreUnavailable.

    `retention_days` is how long turns are kept.
    """

    def __init__(
        self,
        personal_data: PersonalData,
        turn_reader: TurnReader,
        turn_deletion: TurnDeletion,
        clock: Clock,
        *,
        retention_days: int,
    ) -> None:
        self.retention_days = retention_days
        self._personal_data = personal_data
        self._turn_reader = turn_reader
        self._turn_deletion = turn_deletion
        self._clock = clock

    async def get_summary(self, requester: RequestContext) -> StoredData:
        """Return what is stored about the requester."""
        others = await self._personal_data.list_rows(requester.user_id)
        return StoredData(
            await self._personal_data.count_turns_by_channel(requester.user_id),
            {sort: len(rows) for sort, rows in others.items() if rows},
        )

    async def export(self, requester: RequestContext, max_bytes: int) -> Export:
        """Return all of it as a JSON file of at most `max_bytes`, without the oldest turns where not all fits."""

        async def load_before(before: int) -> list[Turn]:
            return await self._turn_reader.list_for_member(requester.user_id, before, _BATCH_TURNS)

        now = format_time(unix_ms(self._clock.discord_now()))
        others = await self._personal_data.list_rows(requester.user_id)
        fitting = await _fit_rows(others, min(max_bytes, MAX_BYTES) // 2)
        facts: Json = {
            "format": _FORMAT,
            "version": VERSION,
            "exported_at": now,
            "member_id": str(requester.user_id),
            "others_kept": {sort: len(rows) for sort, rows in others.items()},
            "others": fitting,
        }
        total = sum(channel.turns for channel in await self._personal_data.count_turns_by_channel(requester.user_id))
        export = await build_json_file(f"my-data-{now[:10]}", facts, total, load_before, max_bytes)
        left_out = sum(map(len, others.values())) - sum(map(len, fitting.values()))
        return replace(export, others_left_out=left_out)

    async def delete(self, requester: RequestContext) -> int:
        """Delete the requester's turns everywhere and their id in all other rows; return how many turns that were.

        An answer to them that is still being written is not stored either.
        """
        try:
            turns = await self._turn_deletion.delete_member(requester.user_id, at_ms=requester.asked_at_ms)
            others = await self._personal_data.erase(requester.user_id)
        except StoreUnavailable as error:
            raise StoreUnavailable(str(error), message=texts.deleted_in_part()) from error
        # Without the id: this is the one member whose id must not be in the log.
        logger.info("member data deleted", extra={"turns": turns, "others": others})
        return turns


async def _fit_rows(
    others: Mapping[PersonalRows, Sequence[Mapping[str, int | str | None]]], max_bytes: int
) -> dict[PersonalRows, list[Json]]:
    """Return as many rows as fit `max_bytes`, as the export has them."""
    fitting: dict[PersonalRows, list[Json]] = {sort: [] for sort in others}
    for sort, rows in others.items():
        for row in rows:
            exported = _format_row(row)
            # With the name of its sort: somewhat more than it takes.
            max_bytes -= len(encode_json({sort: [exported]}).encode())
            if max_bytes < 0:
                return fitting
            fitting[sort].append(exported)
            await asyncio.sleep(0)  # there may be thousands
    return fitting


def _format_row(row: Mapping[str, int | str | None]) -> Json:
    """Return a row with ids as texts and times as dates, as the turns have them."""
    exported: Json = {}
    for name, value in row.items():
        if isinstance(value, int) and name.endswith("_at_ms"):
            exported[name.removesuffix("_ms")] = format_time(value)
        else:
            exported[name] = str(value) if isinstance(value, int) and name.endswith("_id") else value
    return exported
