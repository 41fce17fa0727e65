"""`python -m bot invite`: the link that adds the bot to a server, with exactly what it uses."""

from typing import Final

from bot.cli.output import write_line
from bot.discord_ui.permissions import all_needed
from bot.errors import StartupError
from bot.messages.message import plain
from bot.setting_values import parse_application_id
from bot.settings import BAD_CONFIGURATION, Settings

SCOPES: Final = ("bot", "applications.commands")


def invite(settings: Settings) -> int:
    """Print the link; return 0.

    Raises:
        StartupError: the token doesn't tell whose it is.
    """
    client_id = client_id_of(settings.discord_token.get_secret_value())
    scopes, permissions = "+".join(SCOPES), all_needed().value
    write_line(f"https://discord.com/oauth2/authorize?client_id={client_id}&scope={scopes}&permissions={permissions}")
    return 0


def client_id_of(token: str) -> int:
    """Read the application's id out of the first part of a bot token.

    Raises:
        StartupError: there is none.
    """
    application = parse_application_id(token)
    if application is None:
        raise StartupError(
            plain(
                "DISCORD_TOKEN: expected a bot token of three parts with dots between them, the first of which tells "
                "the application; copy it anew from the developer portal"
            ),
            exit_status=BAD_CONFIGURATION,
        )
    return application
