"""`python -m bot invite`: the link, with exactly what the bot uses."""

import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import discord
import pytest

from bot.cli.invite import PERMISSIONS
from bot.discord_ui.context import NEEDED_PERMISSIONS
from sandbox.discord.permissions import Permission
from tests.support.cli_harness import CliHarness


async def test_the_link_names_the_application_the_scopes_and_the_permissions(harness: CliHarness) -> None:
    child = await harness.run("invite")
    assert child.exit_status == 0
    (link,) = child.output
    asked = {name: value for name, (value,) in parse_qs(urlsplit(link).query).items()}
    used = Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES | Permission.READ_MESSAGE_HISTORY
    used |= Permission.SEND_MESSAGES_IN_THREADS | Permission.ATTACH_FILES | Permission.ADD_REACTIONS
    used |= Permission.CONNECT | Permission.SPEAK
    assert asked == {
        "client_id": str(harness.discord.state.application_id),
        "scope": "bot applications.commands",
        "permissions": str(int(used)),
    }
    assert list(child.log) == []


@pytest.mark.parametrize("token", ["secret", "a.b.c", "bm90LWEtbnVtYmVy.b.c", "MTIzNDU2Nzg5MDEyMzQ1Njc4", "é.b.c"])
async def test_a_token_that_names_no_application_is_status_2(harness: CliHarness, token: str) -> None:
    child = await harness.run("invite", DISCORD_TOKEN=token)
    assert child.exit_status == 2
    assert list(child.output) == []
    (sentence,) = child.log
    assert sentence.startswith("DISCORD_TOKEN")
    assert token not in sentence


def test_the_link_asks_for_the_permissions_that_the_bot_needs() -> None:
    assert discord.Permissions(PERMISSIONS) == discord.Permissions(**dict.fromkeys(NEEDED_PERMISSIONS, True))


def test_the_link_does_without_discord_py() -> None:
    code = "import sys, bot.cli.invite; sys.exit('discord' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
