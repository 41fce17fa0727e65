"""With which voice, and how fast, a member is spoken."""

import dataclasses

import pytest

from bot.clock import SystemClock
from bot.errors import InvalidOption
from bot.messages import speech as texts
from bot.speech.voice_settings import MemberVoices, VoiceSettings
from bot.store.database import Database
from bot.store.settings import StoredSettings
from tests.support.requests import make_requester

ADA = make_requester(42)


@pytest.fixture
def preferences(database: Database) -> MemberVoices:
    return MemberVoices(StoredSettings(database), SystemClock(), default_voice="alloy")


async def test_the_commands_word_beats_the_members_voice_and_that_the_operators(preferences: MemberVoices) -> None:
    assert await preferences.get(ADA) == VoiceSettings("alloy", 1.0)
    assert await preferences.set(ADA, voice=" Nova ") == VoiceSettings("nova", 1.0, is_own=True)
    assert await preferences.get(ADA) == VoiceSettings("nova", 1.0, is_own=True)
    assert (await preferences.get(ADA, "Echo")).name == "echo"


async def test_a_choice_holds_everywhere_and_for_nobody_else(preferences: MemberVoices) -> None:
    await preferences.set(ADA, voice="nova", speed=1.25)
    in_private = dataclasses.replace(ADA, guild_id=None, channel_id=99, settings_channel_id=99)
    assert await preferences.get(in_private) == VoiceSettings("nova", 1.25, is_own=True)
    assert await preferences.get(dataclasses.replace(ADA, user_id=43)) == VoiceSettings("alloy", 1.0)


@pytest.mark.parametrize("speed", [0.49, 2.01, 0, -1, float("nan"), float("inf")])
async def test_a_speed_that_nobody_understands_is_refused(preferences: MemberVoices, speed: float) -> None:
    with pytest.raises(InvalidOption, match="bad speed") as told:
        await preferences.set(ADA, voice="nova", speed=speed)
    assert told.value.message == texts.invalid_speed(0.5, 2.0)
    assert await preferences.get(ADA) == VoiceSettings("alloy", 1.0)


async def test_the_fastest_and_the_slowest_are_taken(preferences: MemberVoices) -> None:
    assert (await preferences.set(ADA, speed=0.5)).speed == 0.5
    assert (await preferences.set(ADA, speed=2)).speed == 2.0


async def test_what_cannot_be_a_voice_is_not_kept(preferences: MemberVoices) -> None:
    with pytest.raises(InvalidOption, match="bad voice"):
        await preferences.set(ADA, voice="two words", speed=2)
    assert await preferences.get(ADA) == VoiceSettings("alloy", 1.0)
