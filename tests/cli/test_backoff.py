"""How often a start that cannot reach Discord tries again."""

from bot.cli.run import GIVE_UP_AFTER_S, MAX_DELAY_S, Backoff
from tests.support.clock import FakeClock


async def test_pauses_double_up_to_a_minute_and_end_after_ten() -> None:
    clock = FakeClock()
    backoff = Backoff(clock, jitter=lambda: 0.0)
    pauses = []
    while (pause := backoff.next_delay_s()) is not None:
        pauses.append(pause)
        await clock.drive(clock.sleep(pause))
    assert pauses[:8] == [1, 2, 4, 8, 16, 32, MAX_DELAY_S, MAX_DELAY_S]
    assert GIVE_UP_AFTER_S <= sum(pauses) <= GIVE_UP_AFTER_S + MAX_DELAY_S


def test_chance_shortens_a_pause_by_a_quarter_at_most() -> None:
    assert Backoff(FakeClock(), jitter=lambda: 1.0).next_delay_s() == 0.75
