"""Which of several values holds: a channel's beats its server's, and that the operator's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.guilds.fields import Field


class Level(StrEnum):
    """Where a value comes from, the strongest first."""

    CHANNEL = "channel"
    SERVER = "server"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Holding:
    """The value that holds for a setting, and where it comes from.

    `set_aside` is what was set above that and may no longer be used, the strongest first.
    """

    field: Field
    value: str
    level: Level
    set_aside: tuple[str, ...] = ()


def holding(
    field: Field,
    chosen: Mapping[Level, Mapping[str, str]],
    operators: str,
    usable: Callable[[str], bool] = lambda _: True,
) -> Holding:
    """Tell which value of `field` holds.

    Args:
        field: the setting.
        chosen: what is set at each level of a server, name → value.
        operators: the operator's value, which holds where nothing else does.
        usable: whether a value that was chosen once may still be used.
    """
    set_aside: list[str] = []
    for level in (Level.CHANNEL, Level.SERVER):
        value = chosen.get(level, {}).get(field.name)
        if value is None:
            continue
        if usable(value):
            return Holding(field, value, level, tuple(set_aside))
        set_aside.append(value)
    return Holding(field, operators, Level.OPERATOR, tuple(set_aside))
