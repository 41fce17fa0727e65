"""Validation of embeds. https://discord.com/developers/docs/resources/message#embed-object-embed-limits"""

from collections.abc import Sequence

from sandbox.discord.errors import bad_type, invalid_form, required, too_long
from sandbox.json_object import Json

MOST_CHARACTERS = 6000  # over all embeds of a message together
MOST_FIELDS = 25
TEXTS: tuple[tuple[tuple[str, ...], int], ...] = (
    (("title",), 256),
    (("description",), 4096),
    (("footer", "text"), 2048),
    (("author", "name"), 256),
)


def validate_embeds(embeds: Sequence[Json]) -> None:
    """Validate all texts of embeds.

    Raises:
        DiscordError: one is not a string or too long, or all together are too long.
    """
    total = 0
    for index, embed in enumerate(embeds):
        for steps, most in TEXTS:
            total += _length(embed, steps, most, f"embeds.{index}")
        fields = embed.get("fields") or []
        if not isinstance(fields, list):
            raise bad_type(f"embeds.{index}.fields", "a list")
        if len(fields) > MOST_FIELDS:
            raise too_long(f"embeds.{index}.fields", MOST_FIELDS)
        for number, field in enumerate(fields):
            path = f"embeds.{index}.fields.{number}"
            for step, most in (("name", 256), ("value", 1024)):
                if not isinstance(field, dict) or not field.get(step):
                    raise required(f"{path}.{step}")
                total += _length(field, (step,), most, path)
    if total > MOST_CHARACTERS:
        raise invalid_form("embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {MOST_CHARACTERS}")


def _length(body: Json, steps: tuple[str, ...], most: int, path: str) -> int:
    value: object = body
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    if value is None:
        return 0
    where = ".".join((path, *steps))
    if not isinstance(value, str):
        raise bad_type(where, "string")
    if len(value) > most:
        raise too_long(where, most)
    return len(value)
