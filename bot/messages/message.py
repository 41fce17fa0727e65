"""A sentence for people before it is put into words: which one, and the values in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias, Union

Value: TypeAlias = Union[str, int, float, datetime, "Message", Sequence["str | Message"]]
"""What a sentence may have in it. A text goes in as it is: what members wrote is escaped before."""


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence, or a few that belong together, in no language yet.

    `key` names the template: `voice.queue_full` is `queue_full` in `bot/messages/english/voice.toml`.
    """

    key: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """Return what `from_json` reads, for another process. Values are texts, numbers and messages only."""
        return {"key": self.key, "values": {name: _to_json(value) for name, value in self.values.items()}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Message":  # Any: JSON
        """Return the message that `to_json` wrote."""
        return cls(data["key"], {name: _from_json(value) for name, value in data["values"].items()})


def _to_json(value: Value) -> Any:  # Any: JSON
    if isinstance(value, Message):
        return value.to_json()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_to_json(each) for each in value]
    assert not isinstance(value, datetime), "no other process needs a moment yet"
    return value


def _from_json(value: Any) -> Value:  # Any: JSON
    if isinstance(value, dict):
        return Message.from_json(value)
    if isinstance(value, list):
        return [_from_json(each) for each in value]  # type: ignore[misc]  # lists hold texts and messages only
    result: str | int | float = value
    return result


def plain(text: str) -> Message:
    """Return a message whose words are there already."""
    return Message("general.plain", {"text": text})
