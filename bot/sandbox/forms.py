"""Buttons to press and forms to fill in, found among a message's or a modal's components."""

from collections.abc import Mapping

from bot.sandbox.options import ClientRefused
from bot.sandbox.wire import Json, bad_choice, bad_length, required

ROW, TEXT_INPUT, LABEL = 1, 4, 18
MOST_TEXT = 4000


def buttons(components: list[Json]) -> list[Json]:
    """Everything with a custom id, however deep."""
    found: list[Json] = []
    for component in components:
        if "custom_id" in component:
            found.append(component)
        found.extend(buttons(component.get("components", [])))
        if isinstance(component.get("accessory"), dict):
            found.extend(buttons([component["accessory"]]))
    return found


def submitted(component: Json, values: Mapping[str, str]) -> Json:
    """A modal's component with what was typed into it, by custom id or else as it was filled in before.

    Raises:
        ClientRefused: a text is shorter or longer than its field takes.
    """
    if "custom_id" in component:
        typed = values.get(component["custom_id"], component.get("value", ""))
        least = component.get("min_length", 1) if component.get("required", True) else 0
        if component["type"] == TEXT_INPUT and not least <= len(typed) <= component.get("max_length", MOST_TEXT):
            raise ClientRefused(f"{len(typed)} characters don't fit into {component['custom_id']}")
        return {
            "type": component["type"],
            "custom_id": component["custom_id"],
            "value": typed,
            "id": component.get("id", 1),
        }
    if isinstance(component.get("component"), dict):
        return {
            "type": component["type"],
            "id": component.get("id", 1),
            "component": submitted(component["component"], values),
        }
    inner = [submitted(each, values) for each in component.get("components", [])]
    return {"type": component["type"], "id": component.get("id", 1), "components": inner}


def check_fields(components: list[Json], path: str = "components") -> None:
    """Check the text fields of a modal, however deep they lie.

    https://discord.com/developers/docs/components/reference#text-input

    Raises:
        Refused: they are not what Discord takes.
    """
    for place, component in enumerate(components):
        where = f"{path}.{place}"
        if component.get("type") == TEXT_INPUT:
            _check_text_input(component, where)
        if component.get("type") == LABEL and not 1 <= len(str(component.get("label", ""))) <= 45:
            raise bad_length(f"{where}.label", 1, 45)
        if isinstance(component.get("component"), dict):
            check_fields([component["component"]], f"{where}.component")
        check_fields(component.get("components", []), f"{where}.components")


def _check_text_input(component: Json, where: str) -> None:
    if not 1 <= len(str(component.get("custom_id") or "")) <= 100:
        raise required(f"{where}.custom_id")
    if component.get("style") not in (1, 2):
        raise bad_choice(f"{where}.style", (1, 2))
    most = component.get("max_length") or MOST_TEXT
    if not 1 <= most <= MOST_TEXT:
        raise bad_length(f"{where}.max_length", 1, MOST_TEXT)
    if len(component.get("value") or "") > most:
        raise bad_length(f"{where}.value", 0, most)
