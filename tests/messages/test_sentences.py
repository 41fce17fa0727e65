"""Every sentence that people read is in sentences.txt, so that a change of wording is seen in review."""

import pytest

from bot.messages.message import Message, plain
from bot.messages.render import render, templates
from tests.messages.sentences import FILE, list_sentences, samples


def test_the_list_of_sentences_is_what_the_code_says() -> None:
    assert FILE.read_text() == "\n".join(list_sentences()) + "\n", "to write it: python -m tests.messages.sentences"


def test_every_template_has_a_function() -> None:
    used: set[str] = set()

    def collect(message: Message) -> None:
        used.add(message.key)
        for value in message.values.values():
            for each in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(each, Message):
                    collect(each)

    for _, message in samples():
        collect(message)
    assert templates().keys() - used - {"general.plain"} == set()


def test_a_message_survives_the_way_through_json() -> None:
    message = Message("general.plain", {"text": [plain("one"), "two", plain("three")]})
    assert Message.from_json(message.to_json()) == message
    assert render(message) == "one, two and three"


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (Message("no.such"), FileNotFoundError),
        (Message("errors.no_such"), KeyError),
        (Message("general.plain"), KeyError),
        (Message("general.plain", {"text": "x", "more": 1}), ValueError),
    ],
)
def test_a_template_and_its_values_have_to_fit(message: Message, fault: type[Exception]) -> None:
    with pytest.raises(fault):
        render(message)
