"""Validation of message components. https://discord.com/developers/docs/components/reference"""

from collections.abc import Iterator, Sequence
from itertools import count

from sandbox.discord.errors import bad_length, bad_type, invalid_form, required, too_long
from sandbox.json_object import Json

ROW, BUTTON, TEXT_DISPLAY = 1, 2, 10
LINK_STYLES = (5, 6)  # link and premium buttons have no custom id
MOST_ROWS = 5
MOST_IN_ROW = 5
MOST_IN_ALL = 40
MOST_CUSTOM_ID = 100
MOST_LABEL = 80
MOST_TEXT = 4000


def validate_components(components: Sequence[Json], *, v2: bool) -> None:
    """Validate components, also nested ones.

    Args:
        v2: whether the message has IS_COMPONENTS_V2; otherwise components have to be in action rows.

    Raises:
        DiscordError: they are invalid.
    """
    if not v2:
        _check_rows(components)
    found = list(_iterate(components, "components"))
    if len(found) > MOST_IN_ALL:
        raise too_long("components", MOST_IN_ALL)
    ids: set[str] = set()
    for path, component in found:
        if not isinstance(component.get("type"), int):
            raise required(f"{path}.type")
        custom_id = _custom_id(component, f"{path}.custom_id")
        if custom_id in ids:
            raise invalid_form(
                f"{path}.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
            )
        if custom_id is not None:
            ids.add(custom_id)
    if sum(len(str(each.get("content", ""))) for _, each in found if each["type"] == TEXT_DISPLAY) > MOST_TEXT:
        raise too_long("components", MOST_TEXT)


def _check_rows(components: Sequence[Json]) -> None:
    if len(components) > MOST_ROWS:
        raise too_long("components", MOST_ROWS)
    for index, component in enumerate(components):
        if component.get("type") != ROW:
            raise invalid_form(f"components.{index}.type", "UNION_TYPE_CHOICES", "Value of field must be (1,)")


def _custom_id(component: Json, path: str) -> str | None:
    """Return a component's custom id; None if it has none and needs none."""
    custom_id = component.get("custom_id")
    if custom_id is None:
        if component["type"] == BUTTON and component.get("style") not in LINK_STYLES:
            raise required(path)
        return None
    if not isinstance(custom_id, str) or not 1 <= len(custom_id) <= MOST_CUSTOM_ID:
        raise bad_length(path, 1, MOST_CUSTOM_ID)
    return custom_id


def assign_component_ids(components: Sequence[Json]) -> list[Json]:
    """Return components with ids: those without one get the lowest free numbers."""
    taken = {component.get("id") for _, component in _iterate(list(components), "components")}
    return _assign_ids(components, (number for number in count(1) if number not in taken))


def _assign_ids(components: Sequence[Json], free: Iterator[int]) -> list[Json]:
    numbered: list[Json] = []
    for component in components:
        own = component | {"id": component.get("id") or next(free)}
        if "components" in component:
            own["components"] = _assign_ids(component["components"], free)
        if isinstance(component.get("accessory"), dict):
            (own["accessory"],) = _assign_ids([component["accessory"]], free)
        numbered.append(own)
    return numbered


def _iterate(components: object, path: str) -> Iterator[tuple[str, Json]]:
    if not isinstance(components, list):
        raise bad_type(path, "a list")
    for index, component in enumerate(components):
        where = f"{path}.{index}"
        if not isinstance(component, dict):
            raise bad_type(where, "a dictionary")
        yield where, component
        label = component.get("label")
        if component.get("type") == BUTTON and isinstance(label, str) and len(label) > MOST_LABEL:
            raise too_long(f"{where}.label", MOST_LABEL)
        inner = component.get("components")
        if inner is not None:
            if component.get("type") == ROW and isinstance(inner, list) and not 1 <= len(inner) <= MOST_IN_ROW:
                raise bad_length(f"{where}.components", 1, MOST_IN_ROW)
            yield from _iterate(inner, f"{where}.components")
        if isinstance(component.get("accessory"), dict):
            yield from _iterate([component["accessory"]], f"{where}.accessory")
