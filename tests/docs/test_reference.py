"""The reference pages and `.env.example` say what the code says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.settings import Settings
from scripts import reference

EXAMPLES = reference.example_settings(reference.ENV_EXAMPLE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("page", "text"),
    [(reference.SETTINGS_PAGE, reference.settings_page), (reference.COMMANDS_PAGE, reference.commands_page)],
    ids=["settings", "commands"],
)
def test_a_reference_page_is_what_the_generator_writes(page: Path, text: Callable[[], str]) -> None:
    assert page.read_text(encoding="utf-8") == text(), "run `python -m scripts.reference`"


def test_the_example_has_every_setting_in_order_with_its_meaning() -> None:
    assert [each.name.lower() for each in EXAMPLES] == list(Settings.model_fields)
    assert all(each.meaning.endswith(".") and each.heading for each in EXAMPLES)


def test_the_values_of_the_example_are_the_defaults() -> None:
    secrets = {"discord_token": "token", "multiappai_api_key": "key"}
    given = {each.name.lower(): each.value for each in EXAMPLES if each.value}
    assert Settings.model_validate({**given, **secrets}) == Settings.model_validate(secrets)
