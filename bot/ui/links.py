"""Commands as Discord shows them within a text."""

from collections.abc import Mapping


def to_command(name: str, ids: Mapping[str, int]) -> str:
    """Write a command's whole name so that a click opens it; `ids` are those of the top-level commands."""
    number = ids.get(name.split(" ", maxsplit=1)[0])
    return f"</{name}:{number}>" if number else f"`/{name}`"
