"""Normal forms of any text, in a time that grows with its length."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from bot.normal_forms import MOST_MARKS, normalized


@given(st.text(max_size=MOST_MARKS))
def test_the_form_is_unicodes(text: str) -> None:
    assert normalized("NFC", text) == unicodedata.normalize("NFC", text)
    assert normalized("NFKC", text) == unicodedata.normalize("NFKC", text)


def test_marks_in_a_long_row_are_ordered_in_parts() -> None:
    text = normalized("NFC", "e" + "\u0301\u0316" * 1000)
    assert text.startswith("é" + "\u0316" * (MOST_MARKS // 2) + "\u0301" * (MOST_MARKS // 2 - 1) + "\u0316")
    assert len(text) == 2000
