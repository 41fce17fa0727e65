"""The one place where a message becomes English text.

A template names its values in braces. Behind a colon stands how a value is written:

    {name}                                a text; a number as 1,000; a list as "a, b and c"; a message in its own words
    {count:one answer|{count} answers}    the first for 1, the second for every other number
    {period:hour=an hour|day=a day}       by what the value is
    {id:digits}                           a number without commas, for Discord's mentions
    {when:relative}, {when:moment}        Discord's timestamps: "in 3 hours", "30 November 2026 12:00", for each reader
    {when:date}                           "30 November 2026"
    {seconds:duration}                    "2 hours", in the unit that a person would choose
    {speed:exact}                         a number that is not rounded
    {problems:lines}, {problems:clauses}  a list with a line for each; with semicolons between
"""

import math
import string
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from bot.messages.message import Message

_FOLDER: Final = Path(__file__).with_name("english")


def render(message: Message) -> str:
    """Return `message` in English."""
    feature, _, name = message.key.partition(".")
    return _FORMATTER.vformat(_load_templates(feature)[name], (), message.values)


def templates() -> Mapping[str, str]:
    """Return all templates by their keys, such as `voice.queue_full`."""
    features = sorted(file.stem for file in _FOLDER.glob("*.toml"))
    return {f"{feature}.{name}": text for feature in features for name, text in _load_templates(feature).items()}


@cache
def _load_templates(feature: str) -> Mapping[str, str]:
    """Return the templates of one feature by their names; read when first used, since `health` needs only a few."""
    import tomllib

    return tomllib.loads((_FOLDER / f"{feature}.toml").read_text("utf-8"))


class _Formatter(string.Formatter):
    def format_field(self, value: Any, spec: str) -> str:  # Any: one of `Value`
        """Return one value as its spec says."""
        if "=" in spec:
            return dict(case.split("=", 1) for case in spec.split("|"))[str(value)]
        if "|" in spec:
            one, other = spec.split("|")
            return one if value == 1 else other
        if spec not in _FORMATS:
            raise ValueError(f"no such format: {spec}")
        return _FORMATS[spec](value)

    def check_unused_args(self, used: Any, args: Any, values: Any) -> None:  # noqa: ARG002 - string.Formatter's own
        """Refuse values that a template does not use: a mistake in one of the two."""
        unused = set(values) - set(used)
        if unused:
            raise ValueError(f"values not used: {', '.join(sorted(unused))}")


_FORMATTER: Final = _Formatter()


def _plain(value: Any) -> str:  # Any: one of `Value`
    if isinstance(value, Message):
        return render(value)
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:,.1f}".removesuffix(".0")
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Sequence):
        *most, last = map(_plain, value)
        return f"{', '.join(most)} and {last}" if most else last
    assert isinstance(value, datetime), value
    raise ValueError("a moment needs a format")


def _duration(seconds: float) -> str:
    units = ((1, "second", 90), (60, "minute", 90), (3600, "hour", 36), (86_400, "day", math.inf))
    counted = ((max(1, round(seconds / unit)), name, most) for unit, name, most in units)
    count, name = next((count, name) for count, name, most in counted if count < most)
    return f"a {name}" if count == 1 else f"{count} {name}s"


_FORMATS: Final[Mapping[str, Callable[[Any], str]]] = {  # Any: one of `Value`
    "": _plain,
    "digits": str,
    "exact": "{:g}".format,
    "relative": lambda when: f"<t:{int(when.timestamp())}:R>",
    "moment": lambda when: f"<t:{int(when.timestamp())}:f>",
    "date": lambda when: f"<t:{int(when.timestamp())}:D>",
    "duration": _duration,
    "lines": lambda values: "\n".join(map(_plain, values)),
    "clauses": lambda values: "; ".join(map(_plain, values)),
}
