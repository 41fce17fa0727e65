"""kill -9 at random moments under load; `python -m tests.soak.crash_recovery --kills 100` does more of it."""

import pytest

from tests.soak.crash_recovery import kill_again_and_again

KILLS = 20


@pytest.mark.timeout(240)
async def test_twenty_kills_lose_nothing_and_leave_nothing_unfinished() -> None:
    tally = await kill_again_and_again(KILLS, seed=20)
    assert tally.broken == []
    assert tally.kills == KILLS
    assert tally.ends["whole"] > 0
    assert tally.ends["marked"] > 0
    assert tally.ends["interrupted before a word"] > 0
