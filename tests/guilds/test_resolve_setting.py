"""A channel's value beats its server's, and that the operator's."""

from bot.guilds.setting_definitions import PERSONA
from bot.guilds.settings import Holding, Level, resolve_setting

CHANNELS, SERVERS = {PERSONA.name: "channel's"}, {PERSONA.name: "server's"}


def test_the_channels_value_goes_first() -> None:
    held = resolve_setting(PERSONA, {Level.CHANNEL: CHANNELS, Level.SERVER: SERVERS}, "operator's")
    assert held == Holding(PERSONA, "channel's", Level.CHANNEL)


def test_then_the_servers() -> None:
    assert resolve_setting(PERSONA, {Level.CHANNEL: {}, Level.SERVER: SERVERS}, "operator's").level is Level.SERVER


def test_and_the_operators_last() -> None:
    assert resolve_setting(PERSONA, {}, "operator's") == Holding(PERSONA, "operator's", Level.OPERATOR)


def test_what_can_no_longer_be_used_is_set_aside() -> None:
    held = resolve_setting(PERSONA, {Level.CHANNEL: CHANNELS, Level.SERVER: SERVERS}, "operator's", lambda value: False)
    assert held == Holding(PERSONA, "operator's", Level.OPERATOR, ("channel's", "server's"))
