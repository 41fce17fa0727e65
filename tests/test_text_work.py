"""Long texts are worked through in slices, with room for others in between, and normalized in linear time."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from bot.text_work import MAX_COMBINING_MARKS, SLICE_CHARACTERS, iterate_slices, normalize
from tests.support.event_loop_turns import count_turns


async def test_others_run_between_two_slices_and_nothing_is_lost() -> None:
    text = "".join(map(chr, range(33, 33 + 3 * SLICE_CHARACTERS + 1)))
    seen, list_before = [], []
    async with count_turns() as turns:
        async for piece in iterate_slices(text):
            seen.append(piece)
            list_before.append(turns())
    assert "".join(seen) == text
    assert [len(piece) for piece in seen] == [SLICE_CHARACTERS, SLICE_CHARACTERS, SLICE_CHARACTERS, 1]
    assert list_before == [0, 1, 2, 3]


async def test_of_an_empty_text_there_is_nothing() -> None:
    assert [piece async for piece in iterate_slices("")] == []


@given(st.text(max_size=MAX_COMBINING_MARKS))
def test_the_form_is_unicodes(text: str) -> None:
    assert normalize("NFC", text) == unicodedata.normalize("NFC", text)
    assert normalize("NFKC", text) == unicodedata.normalize("NFKC", text)


def test_marks_in_a_long_row_are_ordered_in_parts() -> None:
    text = normalize("NFC", "e" + "\u0301\u0316" * 1000)
    assert text.startswith(
        "é" + "\u0316" * (MAX_COMBINING_MARKS // 2) + "\u0301" * (MAX_COMBINING_MARKS // 2 - 1) + "\u0316"
    )
    assert len(text) == 2000
