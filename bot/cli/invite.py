"""`python -m bot invite`: the link that adds the bot to a server, with exactly what it uses."""

from typing import Final

from bot.cli.process import write_line
from bot.errors import StartupError
from bot.messages import operator as texts
from bot.setting_values import parse_application_id
from bot.settings import BAD_CONFIGURATION, Settings

SCOPES: Final = ("bot", "applications.commands")

PERMISSIONS: Final = (
    1 << 10  # View Channels
    | 1 << 16  # Read Message History
    | 1 << 11  # Send Messages
    | 1 << 38  # Send Messages in Threads
    | 1 << 15  # Attach Files
    | 1 << 6  # Add Reactions
    | 1 << 20  # Connect
    | 1 << 21  # Speak
)
"""Those of `bot.discord_ui.context`, repeated here as bits: printing a link should not load discord.py."""


def invite(settings: Settings) -> int:
    """Print the link; return 0.

    Raises:
        StartupError: the token names no application.
    """
    client_id = get_client_id(settings.discord_token.get_secret_value())
    scopes = "+".join(SCOPES)
    write_line(f"https://discord.com/oauth2/authorize?client_id={client_id}&scope={scopes}&permissions={PERMISSIONS}")
    return 0


def get_client_id(token: str) -> int:
    """Return the application's id from the first part of a bot token.

    Raises:
        StartupError: there is none.
    """
    application = parse_application_id(token)
    if application is None:
        raise StartupError(texts.token_without_application(), exit_status=BAD_CONFIGURATION)
    return application
