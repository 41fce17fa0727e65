"""Members' voices and speeds, as kept."""

import pytest

from bot.store.database import Database
from bot.store.personal_data import PersonalData, PersonalRows
from bot.store.settings import StoredSettings, StoredVoice
from tests.support.turns import ANN, BEN


@pytest.fixture
def stored(database: Database) -> StoredSettings:
    return StoredSettings(database)


async def test_who_never_chose_has_the_operators(stored: StoredSettings) -> None:
    assert await stored.get_voice(ANN) == StoredVoice(None, 100)


async def test_what_is_not_given_stays(stored: StoredSettings) -> None:
    assert await stored.update_voice(ANN, voice="nova", speed_percent=None, at_ms=1) == StoredVoice("nova", 100)
    assert await stored.update_voice(ANN, voice=None, speed_percent=150, at_ms=2) == StoredVoice("nova", 150)
    assert await stored.get_voice(ANN) == StoredVoice("nova", 150)
    assert await stored.get_voice(BEN) == StoredVoice()


async def test_a_member_sees_their_choice_and_it_goes_with_their_data(
    stored: StoredSettings, database: Database
) -> None:
    members = PersonalData(database)
    await stored.update_voice(ANN, voice="nova", speed_percent=50, at_ms=7)
    await stored.update_voice(BEN, voice="echo", speed_percent=200, at_ms=7)
    found = (await members.list_rows(ANN))[PersonalRows.VOICE_SETTINGS]
    assert found == [{"voice": "nova", "speed_percent": 50, "changed_at_ms": 7}]
    assert await members.erase(ANN) == 1
    assert await stored.get_voice(ANN) == StoredVoice()
    assert await stored.get_voice(BEN) == StoredVoice("echo", 200)
