"""Write docs/reference/settings.md and commands.md from the code: `python -m scripts.reference`.

Names, defaults and accepted values come from `Settings`; what a setting means comes from its comment in `.env.example`.
Commands come from the command tree, with all cogs loaded and without a connection to Discord.
"""

import asyncio
import logging
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import discord
from discord import AppCommandOptionType, app_commands
from pydantic import ValidationError

from bot.app import open_services
from bot.client import COGS, Bot
from bot.clock import SystemClock
from bot.discord_ui.tree import PERMISSION
from bot.messages.render import render
from bot.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
ENV_EXAMPLE = ROOT / ".env.example"
SETTINGS_PAGE = ROOT / "docs" / "reference" / "settings.md"
COMMANDS_PAGE = ROOT / "docs" / "reference" / "commands.md"

_GENERATED = "<!-- Written by `python -m scripts.reference`. Change the code or .env.example, not this file. -->\n\n"
_REQUIRED = {"discord_token": "token", "multiappai_api_key": "key"}
_UNUSABLE = "\x00"  # a value that every setting refuses, with a sentence about what it accepts


@dataclass(frozen=True)
class Setting:
    """A variable of `.env.example`: its comment, its example value and the heading that it is below."""

    name: str
    value: str
    meaning: str
    heading: str


def example_settings(text: str) -> list[Setting]:
    """Return the variables of `.env.example` in order; a comment with an empty line below it is a heading."""
    found, heading, comment = [], "", ""
    for line in text.partition("\n\n")[2].splitlines():
        if line.startswith("#"):
            comment = f"{comment} {line[1:].strip()}".strip()
        elif line:
            name, _, value = line.partition("=")
            found.append(Setting(name, value, comment, heading))
            comment = ""
        elif comment:
            heading, comment = comment, ""
    return found


def settings_page() -> str:
    """Return the text of docs/reference/settings.md."""
    lines = [
        "# Settings",
        "",
        "The bot reads its settings from the environment and from a `.env` file in the working directory. The",
        "environment wins. An empty value counts as unset. [Operating the bot](../operating.md#settings) says how",
        "the file is read.",
    ]
    heading = ""
    for setting in example_settings(ENV_EXAMPLE.read_text(encoding="utf-8")):
        if setting.heading != heading:
            heading = setting.heading
            title, _, more = heading.partition(". ")
            lines += ["", f"## {title.rstrip('.')}", "", *([more, ""] if more else [])]
            lines += ["| variable | default | accepted values | meaning |", "| --- | --- | --- | --- |"]
        lines.append(_row(f"`{setting.name}`", _default(setting), _accepted(setting.name), setting.meaning))
    return _GENERATED + "\n".join(lines) + "\n"


def _default(setting: Setting) -> str:
    field = Settings.model_fields[setting.name.lower()]
    if field.is_required():
        return "required"
    if setting.value:
        return f"`{setting.value}`"
    return f"`{field.default}`" if field.default else "unset"


def _accepted(name: str) -> str:
    try:
        Settings.model_validate({**_REQUIRED, name.lower(): _UNUSABLE})
    except ValidationError as error:
        return render(error.errors()[0].get("ctx", {})["error"].expected)
    raise ValueError(f"{name} accepts anything")


async def registered_tree(folder: Path) -> app_commands.CommandTree[Any]:
    """Return the tree with the commands of all cogs; the database that they need is made in `folder`."""
    settings = Settings.model_validate(
        {
            **_REQUIRED,
            "database_url": f"sqlite:///{folder}/bot.db",
            "multiappai_base_url": "http://127.0.0.1:9",  # the discard port: nothing answers
        }
    )
    clock = SystemClock()
    async with open_services(settings, clock) as services:
        bot = Bot(services, clock=clock)
        for cog in COGS:
            await bot.load_extension(cog)
        return bot.tree


def commands_page() -> str:
    """Return the text of docs/reference/commands.md."""
    with tempfile.TemporaryDirectory() as folder:
        tree = asyncio.run(registered_tree(Path(folder)))
    commands = sorted(tree.get_commands(type=discord.AppCommandType.chat_input), key=lambda each: each.name)
    menus = sorted(each.name for each in tree.get_commands(type=discord.AppCommandType.message))
    lines = [
        "# Commands",
        "",
        "`!` marks a required option. *Needs* is the Discord permission that a command checks each time it is used.",
        "The commands of `/voice` have [further rules](../members.md#voice-channels). The last column says whether the",
        "command can be used in direct messages.",
        "",
        "| command | needs | direct messages |",
        "| --- | --- | --- |",
    ]
    leaves = [leaf for command in commands for leaf in _leaves(command)]
    lines += (
        _row(f"[`/{leaf.qualified_name}`](#{_anchor(leaf)})", _needs(leaf), _in_direct_messages(leaf))
        for leaf in leaves
    )
    for leaf in leaves:
        lines += ["", f"## /{leaf.qualified_name}", "", _sentence(leaf.description)]
        if leaf.parameters:
            lines += ["", "| option | value | meaning |", "| --- | --- | --- |"]
            for option in leaf.parameters:
                name = f"`{option.display_name}`" + ("!" if option.required else "")
                lines.append(_row(name, _value(option), _sentence(str(option.description))))
    lines += ["", "## Menu of a message (Apps)", "", *(f"- `{name}`" for name in menus)]
    return _GENERATED + "\n".join(lines) + "\n"


def _leaves(command: Any) -> Iterator[app_commands.Command[Any, ..., Any]]:
    if isinstance(command, app_commands.Group):
        for inner in command.commands:
            yield from _leaves(inner)
    else:
        yield command


def _anchor(leaf: app_commands.Command[Any, ..., Any]) -> str:
    return leaf.qualified_name.replace(" ", "-")


def _needs(leaf: app_commands.Command[Any, ..., Any]) -> str:
    right = leaf.extras.get(PERMISSION)
    if right is not None:
        return str(right)
    defaults = (leaf.root_parent or leaf).default_permissions or discord.Permissions.none()
    return ", ".join(_permission_name(name) for name, held in defaults if held) or "–"


def _permission_name(flag: str) -> str:
    return flag.replace("_", " ").title().replace("Guild", "Server")


def _in_direct_messages(leaf: app_commands.Command[Any, ..., Any]) -> str:
    contexts = (leaf.root_parent or leaf).allowed_contexts
    return "no" if contexts is not None and contexts.dm_channel is False else "yes"


def _value(option: app_commands.Parameter) -> str:
    if option.choices:
        return ", ".join(f"`{choice.value}`" for choice in option.choices)
    low, high = option.min_value, option.max_value
    match option.type:
        case AppCommandOptionType.string:
            return "text" if high is None else f"text, at most {high:,} characters"
        case AppCommandOptionType.boolean:
            return "`True` or `False`"
        case AppCommandOptionType.integer | AppCommandOptionType.number:
            kind = "whole number" if option.type is AppCommandOptionType.integer else "number"
            return kind if low is None else f"{kind} from {low:g} to {high:g}"
        case _:
            return _OTHER_VALUES[option.type]


_OTHER_VALUES: Mapping[AppCommandOptionType, str] = {
    AppCommandOptionType.attachment: "file",
    AppCommandOptionType.channel: "channel",
    AppCommandOptionType.role: "role",
    AppCommandOptionType.user: "member",
}


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main() -> None:
    """Write both pages."""
    logging.disable()  # the address of the AI service is a made-up one
    SETTINGS_PAGE.write_text(settings_page(), encoding="utf-8")
    COMMANDS_PAGE.write_text(commands_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
