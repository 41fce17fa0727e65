"""A channel's value beats its server's, and that the operator's."""

from bot.guilds.fields import PERSONA
from bot.guilds.levels import Holding, Level, holding

CHANNELS, SERVERS = {PERSONA.name: "channel's"}, {PERSONA.name: "server's"}


def test_the_channels_value_goes_first() -> None:
    held = holding(PERSONA, {Level.CHANNEL: CHANNELS, Level.SERVER: SERVERS}, "operator's")
    assert held == Holding(PERSONA, "channel's", Level.CHANNEL)


def test_then_the_servers() -> None:
    assert holding(PERSONA, {Level.CHANNEL: {}, Level.SERVER: SERVERS}, "operator's").level is Level.SERVER


def test_and_the_operators_last() -> None:
    assert holding(PERSONA, {}, "operator's") == Holding(PERSONA, "operator's", Level.OPERATOR)


def test_what_can_no_longer_be_used_is_set_aside() -> None:
    held = holding(PERSONA, {Level.CHANNEL: CHANNELS, Level.SERVER: SERVERS}, "operator's", lambda value: False)
    assert held == Holding(PERSONA, "operator's", Level.OPERATOR, ("channel's", "server's"))
