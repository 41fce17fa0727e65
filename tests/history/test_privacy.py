"""What a member has deleted is not kept by an answer that ends later, in whichever process."""

from dataclasses import replace

from bot.clock import unix_ms
from bot.history.privacy import MemberData
from bot.store.database import Database
from bot.store.personal_data import PersonalData
from bot.store.turn_deletion import TurnDeletion
from bot.store.turn_reader import TurnReader
from tests.history.stored_turns import ANNA, TURN, Say
from tests.support.clock import NOON, FakeClock


async def test_what_was_asked_before_by_discords_clock_is_forgotten_whatever_the_process_takes_for_the_time(
    database: Database, turn_deletion: TurnDeletion, clock: FakeClock, say: Say
) -> None:
    # Processes know Discord's time to about a second, from the `Date` of its answers; events tell it exactly.
    later = replace(ANNA, asked_at_ms=unix_ms(NOON) + 900)
    own = MemberData(PersonalData(database), TurnReader(database), turn_deletion, clock, retention_days=30)
    assert TURN.author_id == later.user_id
    assert await own.delete(later) == 0
    assert await say(asked_at_ms=unix_ms(NOON) + 899) is None
    assert await say(asked_at_ms=unix_ms(NOON) + 901) is not None
