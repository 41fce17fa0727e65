"""Files of personas: what export writes import reads, and everything else is refused with sentences."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InvalidOption
from bot.guilds import persona_files
from bot.guilds.persona_files import MAX_FILE_BYTES, MAX_PERSONAS, decode, encode
from bot.messages.render import render
from bot.store.personas import StoredPersona

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
PIRATE = {"name": "Pirate", "text": "You are a pirate."}

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=99).filter(str.strip).map(str.strip)
NAME = st.text(st.characters(), max_size=persona_files.MAX_NAME_CHARACTERS)


def file(personas: object, **others: object) -> bytes:
    return json.dumps({"format": "multiappai-discord-personas", "version": 1, "personas": personas, **others}).encode()


def named(number: int, text: str = "Hm.") -> dict[str, str]:
    return {"name": f"Persona {number}", "text": text}


def problems(data: bytes) -> list[str]:
    with pytest.raises(InvalidOption) as refused:
        decode(data)
    assert len(render(refused.value.message)) <= 2000
    return render(refused.value.message).splitlines()


def usable(name: str) -> bool:
    try:
        return bool(persona_files.validate_name(name))
    except InvalidOption:
        return False


@given(
    st.lists(
        st.tuples(NAME.filter(usable), TEXT),
        min_size=1,
        max_size=9,
        unique_by=lambda each: persona_files.name_key(each[0]),
    )
)
def test_what_is_written_is_read_as_it_was(personas: list[tuple[str, str]]) -> None:
    kept = [
        StoredPersona(persona_files.name_key(name), persona_files.validate_name(name), text) for name, text in personas
    ]
    assert decode(encode(kept, 7, NOW)) == kept


def test_names_and_texts_are_tidied() -> None:
    untidy = {"name": " Pi\u200brate\n", "text": "\n You are a pirate. ", "note": "others' fields are left alone"}
    (found,) = decode(b"\xef\xbb\xbf" + file([untidy]))
    assert found == StoredPersona("pirate", "Pirate", "You are a pirate.")


def test_the_largest_set_there_can_be_fits_a_file() -> None:
    full = [named(number, "🎉" * 4000) for number in range(MAX_PERSONAS)]
    data = file(full)
    assert len(data) <= MAX_FILE_BYTES
    assert len(decode(data)) == MAX_PERSONAS


def test_each_problem_has_its_sentence() -> None:
    personas: list[Any] = [
        PIRATE,
        {"name": "pirate ", "text": "Me too."},
        {"name": "x" * 33, "text": " "},
        {"name": "Long", "text": "x" * 4001},
        {"text": 5},
        "Parrot",
    ]
    assert problems(file(personas)) == [
        "I imported nothing: there are 7 problems.",
        "- Persona 2 has the same name as persona 1.",
        "- Persona 3: A persona's name can have up to 32 characters, and this one has 33.",
        "- Persona 3: A persona needs a few words.",
        "- Persona 4: That persona has 4,001 characters, and 4,000 is the most I can store.",
        "- Persona 5 needs a `name`, which has to be text.",
        "- Persona 5 needs a `text`, which has to be text.",
        "- Persona 6 has to be an object with `name` and `text`.",
    ]


def test_of_many_problems_as_many_are_listed_as_fit() -> None:
    lines = problems(file([{}] * MAX_PERSONAS))
    assert lines[0] == "I imported nothing: there are 100 problems."
    assert lines[-1] == "- …and 88 more like these."


def test_half_a_character_is_refused() -> None:
    entry = b'{"format":"multiappai-discord-personas","version":1,"personas":[{"name":"a","text":"x \\ud800"}]}'
    assert problems(entry) == [
        "I imported nothing. Persona 1 has a broken character in its `text`, which can't be stored."
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "The file isn't JSON: it can't be read from line 1, column 1 on."),
        (b'{\n "a": }', "The file isn't JSON: it can't be read from line 2, column 7 on."),
        (b"\x89PNG\r\n\x1a\n\0\0", "The file isn't JSON that I can read."),
        (b"[" * 100_000, "The file isn't JSON that I can read."),
        (b"9" * 5_000, "The file isn't JSON that I can read."),
        (b"[]", "The file has to be a JSON object whose `format` is `multiappai-discord-personas`."),
        (b'{"format": 5}', "The file has to be a JSON object whose `format` is `multiappai-discord-personas`."),
        (file([PIRATE], version=2), "The file's `version` has to be 1, the only one that I know."),
        (file([PIRATE], version=True), "The file's `version` has to be 1, the only one that I know."),
        (file({"Pirate": "Arr."}), "The file's `personas` has to be a list."),
        (file([]), "There are no personas in the file."),
        (file([PIRATE] * 51), "The file has 51 personas, and a server can have 50."),
    ],
    ids=["empty", "broken", "picture", "deep", "number", "list", "format", "version", "true", "object", "none", "many"],
)
def test_a_file_of_another_kind_is_refused(data: bytes, reason: str) -> None:
    assert problems(data) == [f"I imported nothing. {reason}"]
