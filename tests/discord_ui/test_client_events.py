"""Which handler a message or an interaction goes to."""

from types import SimpleNamespace
from typing import Any

import discord
import pytest

from bot.client import Bot

OWN_ID, VOICE_GUILD_ID = 1, 7


@pytest.fixture
def calls() -> list[str]:
    return []


@pytest.fixture
def bot(calls: list[str], monkeypatch: pytest.MonkeyPatch) -> Bot:
    def router(name: str) -> SimpleNamespace:
        async def dispatch(_interaction: object) -> None:
            calls.append(name)

        return SimpleNamespace(dispatch=dispatch)

    bot = Bot.__new__(Bot)
    monkeypatch.setattr(Bot, "user", SimpleNamespace(id=OWN_ID))
    bot.buttons, bot.modals = router("button"), router("modal")  # type: ignore[assignment]
    bot.voice_manager = SimpleNamespace(sessions={VOICE_GUILD_ID: object()})  # type: ignore[assignment]
    sent_messages = SimpleNamespace(confirm=lambda _message: calls.append("confirmed"))
    bot.replies = SimpleNamespace(sent_messages=sent_messages)  # type: ignore[assignment]
    monkeypatch.setattr(bot, "dispatch", lambda event, _message: calls.append(event))
    return bot


@pytest.mark.parametrize(
    ("author_id", "by_bot", "webhook_id", "nonce", "expected"),
    [
        (OWN_ID, True, None, "a nonce", ["confirmed"]),
        (OWN_ID, True, None, None, []),
        (2, False, None, "a nonce", ["user_message"]),
        (2, True, None, "a nonce", []),
        (2, False, 3, None, []),
    ],
)
async def test_only_what_people_write_is_given_to_the_cogs(
    bot: Bot,
    calls: list[str],
    author_id: int,
    by_bot: bool,
    webhook_id: int | None,
    nonce: str | None,
    expected: list[str],
) -> None:
    author = SimpleNamespace(id=author_id, bot=by_bot)
    message: Any = SimpleNamespace(author=author, webhook_id=webhook_id, nonce=nonce, guild=None)
    await bot.on_message(message)
    assert calls == expected


@pytest.mark.parametrize(
    ("guild_id", "expected"),
    [(VOICE_GUILD_ID, ["user_message", "voice_guild_message"]), (VOICE_GUILD_ID + 1, ["user_message"])],
)
async def test_auto_read_is_given_messages_only_where_the_bot_is_in_a_voice_channel(
    bot: Bot, calls: list[str], guild_id: int, expected: list[str]
) -> None:
    author = SimpleNamespace(id=2, bot=False)
    message: Any = SimpleNamespace(author=author, webhook_id=None, nonce=None, guild=SimpleNamespace(id=guild_id))
    await bot.on_message(message)
    assert calls == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (discord.InteractionType.component, ["button"]),
        (discord.InteractionType.modal_submit, ["modal"]),
        (discord.InteractionType.application_command, []),
        (discord.InteractionType.autocomplete, []),
    ],
)
async def test_an_interaction_goes_to_its_own_handler(
    bot: Bot, calls: list[str], kind: discord.InteractionType, expected: list[str]
) -> None:
    interaction: Any = SimpleNamespace(type=kind)
    await bot.on_interaction(interaction)
    assert calls == expected
