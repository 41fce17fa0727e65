"""Commands are written only when Discord has others."""

from typing import Any

import discord
import pytest
from discord import app_commands

from bot.discord_ui.command_sync import sync_if_changed
from bot.discord_ui.tree import CommandTree

APPLICATION = 99


class FakeDiscord:
    """The two calls of discord.py's HTTP client that syncing makes, over commands kept as Discord keeps them."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []
        self.writes = 0

    async def get_global_commands(self, _: int) -> list[dict[str, Any]]:
        return self.kept

    async def bulk_upsert_global_commands(self, _: int, payload: list[dict[str, Any]]) -> list[dict[str, Any]]:
        self.writes += 1
        self.kept = [self._as_kept(number, command) for number, command in enumerate(payload, 500)]
        return self.kept

    def _as_kept(self, number: int, command: dict[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in command.items() if value not in (None, False, [])}
        kept.setdefault("description", "")
        kept |= {"id": str(number), "application_id": str(APPLICATION), "version": "1", "name_localizations": None}
        if "default_member_permissions" in kept:
            kept["default_member_permissions"] = str(kept["default_member_permissions"])
        if "integration_types" in kept:
            kept["integration_types"] = kept["integration_types"][::-1]
        return kept


@pytest.fixture
def there() -> FakeDiscord:
    return FakeDiscord()


def tree(there: FakeDiscord, *, description: str = "Ask.") -> CommandTree:
    client = discord.Client(intents=discord.Intents.none())
    client._connection.application_id = APPLICATION
    made = CommandTree(client)
    made._http = there  # type: ignore[assignment]

    @made.command(name="ask", description=description)
    @app_commands.default_permissions(manage_channels=True)
    async def ask(interaction: discord.Interaction, prompt: str, private: bool = False) -> None:
        raise NotImplementedError

    @made.context_menu(name="Look at this")
    async def look(interaction: discord.Interaction, message: discord.Message) -> None:
        raise NotImplementedError

    return made


async def sync(made: CommandTree, there: FakeDiscord) -> dict[str, int]:
    return await sync_if_changed(made, there, APPLICATION)  # type: ignore[arg-type]


async def test_new_commands_are_written_and_their_ids_returned(there: FakeDiscord) -> None:
    assert await sync(tree(there), there) == {"ask": 500, "Look at this": 501}
    assert there.writes == 1


async def test_a_second_start_writes_nothing(there: FakeDiscord) -> None:
    await sync(tree(there), there)
    assert await sync(tree(there), there) == {"ask": 500, "Look at this": 501}
    assert there.writes == 1


async def test_a_changed_command_is_written(there: FakeDiscord) -> None:
    await sync(tree(there), there)
    await sync(tree(there, description="Ask me."), there)
    assert there.writes == 2


async def test_a_command_that_is_gone_is_removed(there: FakeDiscord) -> None:
    await sync(tree(there), there)
    there.kept.append({**there.kept[0], "name": "old"})
    await sync(tree(there), there)
    assert [command["name"] for command in there.kept] == ["ask", "Look at this"]


async def test_commands_of_other_kinds_stay_and_are_no_reason_to_write(there: FakeDiscord) -> None:
    await sync(tree(there), there)
    entry = {"id": "7", "type": 4, "name": "launch", "description": "", "handler": 2, "name_localizations": None}
    there.kept += [{**entry, "version": "3", "application_id": "99"}, {"id": "8", "type": 9, "name": "ask"}]
    assert await sync(tree(there), there) == {"ask": 500, "Look at this": 501}
    assert there.writes == 1
    await sync(tree(there, description="Ask me."), there)
    sent = [{key: command[key] for key in ("type", "name")} for command in there.kept]
    assert {"type": 4, "name": "launch"} in sent
    assert {"type": 9, "name": "ask"} in sent
