"""kill -9 at random moments under load; `python -m tests.soak.crash_recovery --kills 100` does more of it."""

import pytest

from tests.soak.crash_recovery import kill_repeatedly

KILLS = 20


@pytest.mark.timeout(240)
async def test_twenty_kills_lose_nothing_and_leave_nothing_unfinished() -> None:
    result = await kill_repeatedly(KILLS, seed=20)
    assert result.broken == []
    assert result.kills == KILLS
    assert result.ends["complete"] > 0
    assert result.ends["marked"] > 0
    assert result.ends["interrupted before a word"] > 0
