"""Buttons and modal fields, found in the components of messages and modals."""

from collections.abc import Mapping

from sandbox.client.options import ClientRejected
from sandbox.discord.validation.modals import MOST_TEXT, OPTIONS, SELECT, TEXT_INPUT
from sandbox.json_object import Json


def find_buttons(components: list[Json]) -> list[Json]:
    """Return all components with a custom id, also nested ones."""
    found: list[Json] = []
    for component in components:
        if "custom_id" in component:
            found.append(component)
        found.extend(find_buttons(component.get("components", [])))
        if isinstance(component.get("accessory"), dict):
            found.extend(find_buttons([component["accessory"]]))
    return found


def find_text_field(component: Json) -> str:
    """Return the custom id of a modal's first text input, also a nested one; empty for none."""
    if component.get("type") == TEXT_INPUT:
        return str(component["custom_id"])
    inner = [*component.get("components", []), *([component["component"]] if "component" in component else [])]
    return next(filter(None, map(find_text_field, inner)), "")


def build_submission(component: Json, values: Mapping[str, str]) -> Json:
    """Return a modal's component as it is submitted, with values by custom id, or else its default.

    Choices are given by label or value.

    Raises:
        ClientRejected: a text is too short or too long, or there is no such choice.
    """
    if "custom_id" in component:
        head = {"type": component["type"], "custom_id": component["custom_id"], "id": component.get("id", 1)}
        if component["type"] in OPTIONS:
            chosen = _choose(component, values.get(component["custom_id"]))
            return head | ({"values": chosen} if component["type"] == SELECT else {"value": next(iter(chosen), None)})
        typed = values.get(component["custom_id"], component.get("value", ""))
        least = component.get("min_length", 1) if component.get("required", True) else 0
        if component["type"] == TEXT_INPUT and not least <= len(typed) <= component.get("max_length", MOST_TEXT):
            raise ClientRejected(f"{len(typed)} characters don't fit into {component['custom_id']}")
        return head | {"value": typed}
    if isinstance(component.get("component"), dict):
        return {
            "type": component["type"],
            "id": component.get("id", 1),
            "component": build_submission(component["component"], values),
        }
    inner = [build_submission(each, values) for each in component.get("components", [])]
    return {"type": component["type"], "id": component.get("id", 1), "components": inner}


def _choose(component: Json, wanted: str | None) -> list[str]:
    if wanted is None:
        chosen = [option["value"] for option in component["options"] if option.get("default")]
    else:
        chosen = [option["value"] for option in component["options"] if wanted in (option["label"], option["value"])]
        if not chosen:
            raise ClientRejected(f"{component['custom_id']} has no choice {wanted}")
    if not chosen and component.get("required", True):
        raise ClientRejected(f"something has to be chosen for {component['custom_id']}")
    return chosen
