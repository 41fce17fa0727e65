"""A channel's value beats its server's, and that the operator's."""

from bot.guilds.settings import PERSONA, Level, ResolvedSetting, resolve_setting

CHANNELS, SERVERS = {PERSONA.name: "channel's"}, {PERSONA.name: "server's"}


def test_the_channels_value_goes_first() -> None:
    held = resolve_setting(PERSONA, {Level.CHANNEL: CHANNELS, Level.SERVER: SERVERS}, "operator's")
    assert held == ResolvedSetting(PERSONA, "channel's", Level.CHANNEL)


def test_then_the_servers() -> None:
    assert resolve_setting(PERSONA, {Level.CHANNEL: {}, Level.SERVER: SERVERS}, "operator's").level is Level.SERVER


def test_and_the_operators_last() -> None:
    assert resolve_setting(PERSONA, {}, "operator's") == ResolvedSetting(PERSONA, "operator's", Level.OPERATOR)


def test_what_can_no_longer_be_used_is_set_aside() -> None:
    held = resolve_setting(PERSONA, {Level.CHANNEL: CHANNELS, Level.SERVER: SERVERS}, "operator's", lambda value: False)
    assert held == ResolvedSetting(PERSONA, "operator's", Level.OPERATOR, ("channel's", "server's"))
