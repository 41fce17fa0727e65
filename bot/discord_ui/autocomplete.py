"""What is offered while somebody types an option; always from memory, since the next letter is on its way."""

from collections.abc import Iterable

import discord
from discord import app_commands

from bot.models.allowlist import ModelKind
from bot.models.catalog import ModelCatalog

# interactions/application-commands: at most 25 choices, of at most 100 characters.
MOST = 25
LONGEST = 100


def models(catalogue: ModelCatalog, kind: ModelKind, typed: str) -> list[app_commands.Choice[str]]:
    """Offer the models for `kind` that have `typed` anywhere in their name."""
    return offer(catalogue.choices(kind, typed))


def kind_of(interaction: discord.Interaction) -> ModelKind:
    """Tell which kind of model is asked for, from the command's option `kind`."""
    asked = interaction.namespace.kind
    return ModelKind(asked) if asked in set(ModelKind) else ModelKind.CHAT


def offer(values: Iterable[str], typed: str = "") -> list[app_commands.Choice[str]]:
    """Offer those of `values` that have `typed` anywhere in them, as many as Discord takes."""
    sought = typed.strip().lower()
    fitting = [value for value in values if sought in value.lower() and len(value) <= LONGEST]
    return [app_commands.Choice(name=value, value=value) for value in fitting[:MOST]]
