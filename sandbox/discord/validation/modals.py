"""The fields of a modal. https://discord.com/developers/docs/components/reference#text-input"""

from collections.abc import Mapping

from sandbox.discord.errors import bad_choice, bad_length, invalid_form, required
from sandbox.json_object import Json

SELECT, TEXT_INPUT, LABEL, RADIO_GROUP = 3, 4, 18, 21
MOST_TEXT = 4000
OPTIONS: Mapping[int, tuple[int, int]] = {SELECT: (1, 25), RADIO_GROUP: (2, 10)}
"""The fewest and most choices, by the field's type."""


def validate_modal_fields(components: list[Json], path: str = "components") -> None:
    """Validate the fields of a modal, also nested ones.

    https://discord.com/developers/docs/components/reference#text-input

    Raises:
        DiscordError: they are invalid.
    """
    for index, component in enumerate(components):
        where = f"{path}.{index}"
        if component.get("type") == TEXT_INPUT:
            _check_text_input(component, where)
        if component.get("type") in OPTIONS:
            _check_options(component, where)
        if component.get("type") == LABEL and not 1 <= len(str(component.get("label", ""))) <= 45:
            raise bad_length(f"{where}.label", 1, 45)
        if isinstance(component.get("component"), dict):
            validate_modal_fields([component["component"]], f"{where}.component")
        validate_modal_fields(component.get("components", []), f"{where}.components")


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
    for index, option in enumerate(options):
        for name in ("label", "value"):
            if not 1 <= len(str(option.get(name) or "")) <= 100:
                raise bad_length(f"{where}.options.{index}.{name}", 1, 100)
    values = [option["value"] for option in options]
    if len(set(values)) < len(values):
        raise invalid_form(f"{where}.options", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "Values must be unique")


def _check_id(component: Json, where: str) -> None:
    if not 1 <= len(str(component.get("custom_id") or "")) <= 100:
        raise required(f"{where}.custom_id")
