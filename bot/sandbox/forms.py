"""Buttons to press and forms to fill in, found among a message's or a modal's components."""

from collections.abc import Mapping

from bot.sandbox.wire import Json


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
    """A modal's component with what was typed into it, by custom id or else as it was filled in before."""
    if "custom_id" in component:
        typed = values.get(component["custom_id"], component.get("value", ""))
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
