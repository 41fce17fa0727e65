"""Buttons to press and forms to fill in, found among a message's or a modal's components."""

from collections.abc import Mapping

from bot.sandbox.options import ClientRefused
from bot.sandbox.wire import Json, bad_choice, bad_length, invalid_form, required

ROW, SELECT, TEXT_INPUT, LABEL, RADIO_GROUP = 1, 3, 4, 18, 21
MOST_TEXT = 4000
OPTIONS: Mapping[int, tuple[int, int]] = {SELECT: (1, 25), RADIO_GROUP: (2, 10)}
"""How many choices there can be, by the field's type."""


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


def text_field(component: Json) -> str:
    """The custom id of a form's first text field, however deep; empty where there is none."""
    if component.get("type") == TEXT_INPUT:
        return str(component["custom_id"])
    inner = [*component.get("components", []), *([component["component"]] if "component" in component else [])]
    return next(filter(None, map(text_field, inner)), "")


def submitted(component: Json, values: Mapping[str, str]) -> Json:
    """A modal's component as it is sent: with what was typed or chosen, by custom id, or else as it was before.

    What is chosen goes by its label or its value.

    Raises:
        ClientRefused: a text is shorter or longer than its field takes, or there is no such choice.
    """
    if "custom_id" in component:
        head = {"type": component["type"], "custom_id": component["custom_id"], "id": component.get("id", 1)}
        if component["type"] in OPTIONS:
            chosen = _chosen(component, values.get(component["custom_id"]))
            return head | ({"values": chosen} if component["type"] == SELECT else {"value": next(iter(chosen), None)})
        typed = values.get(component["custom_id"], component.get("value", ""))
        least = component.get("min_length", 1) if component.get("required", True) else 0
        if component["type"] == TEXT_INPUT and not least <= len(typed) <= component.get("max_length", MOST_TEXT):
            raise ClientRefused(f"{len(typed)} characters don't fit into {component['custom_id']}")
        return head | {"value": typed}
    if isinstance(component.get("component"), dict):
        return {
            "type": component["type"],
            "id": component.get("id", 1),
            "component": submitted(component["component"], values),
        }
    inner = [submitted(each, values) for each in component.get("components", [])]
    return {"type": component["type"], "id": component.get("id", 1), "components": inner}


def check_fields(components: list[Json], path: str = "components") -> None:
    """Check the fields of a modal, however deep they lie.

    https://discord.com/developers/docs/components/reference#text-input

    Raises:
        Refused: they are not what Discord takes.
    """
    for place, component in enumerate(components):
        where = f"{path}.{place}"
        if component.get("type") == TEXT_INPUT:
            _check_text_input(component, where)
        if component.get("type") in OPTIONS:
            _check_options(component, where)
        if component.get("type") == LABEL and not 1 <= len(str(component.get("label", ""))) <= 45:
            raise bad_length(f"{where}.label", 1, 45)
        if isinstance(component.get("component"), dict):
            check_fields([component["component"]], f"{where}.component")
        check_fields(component.get("components", []), f"{where}.components")


def _chosen(component: Json, wanted: str | None) -> list[str]:
    if wanted is None:
        chosen = [option["value"] for option in component["options"] if option.get("default")]
    else:
        chosen = [option["value"] for option in component["options"] if wanted in (option["label"], option["value"])]
        if not chosen:
            raise ClientRefused(f"{component['custom_id']} has no choice {wanted}")
    if not chosen and component.get("required", True):
        raise ClientRefused(f"something has to be chosen for {component['custom_id']}")
    return chosen


def _check_text_input(component: Json, where: str) -> None:
    _check_id(component, where)
    if component.get("style") not in (1, 2):
        raise bad_choice(f"{where}.style", (1, 2))
    most = component.get("max_length") or MOST_TEXT
    if not 1 <= most <= MOST_TEXT:
        raise bad_length(f"{where}.max_length", 1, MOST_TEXT)
    if len(component.get("value") or "") > most:
        raise bad_length(f"{where}.value", 0, most)


def _check_options(component: Json, where: str) -> None:
    _check_id(component, where)
    fewest, most = OPTIONS[component["type"]]
    options = component.get("options")
    if not isinstance(options, list) or not fewest <= len(options) <= most:
        raise bad_length(f"{where}.options", fewest, most)
    for place, option in enumerate(options):
        for name in ("label", "value"):
            if not 1 <= len(str(option.get(name) or "")) <= 100:
                raise bad_length(f"{where}.options.{place}.{name}", 1, 100)
    values = [option["value"] for option in options]
    if len(set(values)) < len(values):
        raise invalid_form(f"{where}.options", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "Values must be unique")


def _check_id(component: Json, where: str) -> None:
    if not 1 <= len(str(component.get("custom_id") or "")) <= 100:
        raise required(f"{where}.custom_id")
