"""Where a long text is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.speech.chunking import MAX_CHUNK_LENGTH, split_text


def test_a_text_that_fits_is_one_piece() -> None:
    assert split_text("Hello there.") == ["Hello there."]
    assert split_text("x" * MAX_CHUNK_LENGTH) == ["x" * MAX_CHUNK_LENGTH]


def test_white_space_alone_is_no_piece() -> None:
    assert split_text(" \n ") == []


def test_a_long_text_is_cut_after_its_sentences() -> None:
    sentence = "This sentence says very little, yet it does end. "
    pieces = split_text(sentence * 200)
    assert len(pieces) == 3
    assert all(piece.endswith("end.") for piece in pieces)
    assert " ".join(pieces) == (sentence * 200).strip()


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("First part. Second part.", 20, ["First part.", "Second part."]),
        ("He said “Go.” Then he went.", 20, ["He said “Go.”", "Then he went."]),
        ("Version 3.11 is out now today", 20, ["Version 3.11 is out", "now today"]),
        ("这是第一句话。这是第二句话！好", 10, ["这是第一句话。", "这是第二句话！好"]),
        ("क्या हाल है। सब ठीक है", 15, ["क्या हाल है।", "सब ठीक है"]),
        ("one two three, four five", 20, ["one two three,", "four five"]),
        ("one two three four five", 10, ["one two", "three four", "five"]),
        ("A paragraph here\n\nIt. Goes on", 24, ["A paragraph here", "It. Goes on"]),
        ("a line of words\nand one more", 20, ["a line of words", "and one more"]),
        ("x" * 25, 10, ["x" * 10, "x" * 10, "x" * 5]),
        ("ten chars. then", 10, ["ten chars.", "then"]),
        ("No. " + "word " * 5, 20, ["No. word word word", "word word"]),
    ],
    ids=[
        "sentences",
        "quotes",
        "numbers",
        "chinese",
        "hindi",
        "clauses",
        "words",
        "paragraphs",
        "lines",
        "letters",
        "edge",
        "early",
    ],
)
def test_the_best_pause_within_reach_is_taken(text: str, limit: int, pieces: list[str]) -> None:
    assert split_text(text, limit) == pieces


def test_what_shows_as_one_character_stays_whole() -> None:
    family = "👩‍👩‍👧"
    assert split_text("a" * 8 + family, 10) == ["a" * 8, family]
    assert split_text("a" * 9 + "e\u0301", 10) == ["a" * 9, "e\u0301"]


@given(st.text(alphabet=st.sampled_from("ab .,!?。\n\u0301") | st.characters(), max_size=300), st.integers(8, 60))
def test_nothing_but_white_space_is_lost(text: str, limit: int) -> None:
    pieces = split_text(text, limit)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(0 < len(piece) <= limit and piece == piece.strip() for piece in pieces)
