"""Tables as Discord can show them."""

from collections.abc import Iterator
from typing import Any

import pytest

from bot.markdown import grid
from bot.markdown.grid import MAX_WIDTH
from bot.markdown.renderer import MarkdownRenderer, render_markdown
from tests.support.markdown_oracle import misaligned

NAMES = """\
| Name | Age | City |
|:-----|----:|:----:|
| Ada  | 36  | Rome |
| 你好 | 5 | Oslo |
"""
GRID = """\
```
Name | Age | City
-----+-----+-----
Ada  |  36 | Rome
你好 |   5 | Oslo
```"""
WIDE = f"""\
| Language | What it is good for | Since |
|---|---|---|
| Python | {"many things " * 12}| [1991](https://docs.example/history) |
| C | | 1972 |
"""


def shown(text: str) -> str:
    return "\n<next>\n".join(render_markdown(text))


def growing(text: str) -> Iterator[str]:
    """Yield what shows after each character."""
    rendering = MarkdownRenderer()
    for character in text:
        rendering.feed(character)
        yield rendering.preview(1990)


def test_a_table_becomes_a_grid() -> None:
    assert shown(NAMES) == GRID
    assert misaligned(GRID) is None


@pytest.mark.parametrize(
    ("cell", "bare"),
    [
        ("**bold** and *soft*", "bold and soft"),
        ("`a\\|b`", "a|b"),
        ("`*x*`", "*x*"),
        ("\\*x\\*", "*x*"),
        ("$x^2$", "x^2"),
        ("H<sub>2</sub>O", "H₂O"),
        ("&lt;b&gt;", "<b>"),
        ("```", "ˋˋˋ"),
        ("snake_case_word", "snake_case_word"),
        ("👩‍👩‍👧‍👦 ❤️", "👩‍👩‍👧‍👦 ❤️"),
    ],
)
def test_a_cell_shows_its_bare_text(cell: str, bare: str) -> None:
    message = shown(f"| a | b |\n|---|---|\n| x | {cell} |")
    assert f"x | {bare}\n" in message
    assert misaligned(message) is None


def test_a_links_address_stands_below_the_grid() -> None:
    text = "| a | b |\n|-|-|\n| [x](https://a.example/1) | [y](https://b.example) |\n| [x](https://a.example/1) | |"
    *_, links = shown(text).split("\n")
    assert links == "[x](<https://a.example/1>) (a.example) · [y](<https://b.example>) (b.example)"


def test_cells_are_folded_where_the_grid_would_be_too_wide() -> None:
    rows = ["| Typing | dynamic, but strong, with hints | dynamic and weak |", "| Age | 35 | 31 |"]
    assert shown("\n".join(["| Feature | Python | JavaScript |", "|-|-|-|", *rows])).split("\n") == [
        "```",
        "Feature | Python            | JavaScript",
        "========+===================+=================",
        "Typing  | dynamic, but      | dynamic and weak",
        "        | strong, with      |",
        "        | hints             |",
        "--------+-------------------+-----------------",
        "Age     | 35                | 31",
        "```",
    ]


def test_a_break_in_a_cell_is_a_line_of_it() -> None:
    assert "x | one\n  | two\n" in shown("| a | b |\n|-|-|\n| x | one<br>two |")


def test_rows_that_fit_in_no_line_are_told_one_after_another() -> None:
    assert shown(WIDE).split("\n") == [
        "**Language: Python**",
        f"- **What it is good for:** {'many things ' * 12}".rstrip(),
        "- **Since:** [1991](<https://docs.example/history>) (docs.example)",
        "",
        "**Language: C**",
        "- **Since:** 1972",
    ]


def test_a_single_column_that_fits_in_no_line_is_a_list() -> None:
    assert shown(f"| Only |\n|---|\n| a |\n| {'word ' * 60}|") == f"**Only**\n- a\n- {'word ' * 60}".rstrip()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a | b\n--|--\n1 | 2", ["a | b", "--+--", "1 | 2"]),
        ("| a | b |\n|---|\n| 1 | 2 |", ["a | b", "--+--", "1 | 2"]),
        ("| a | b |\n|---|---|\n| 1 |\n| 1 | 2 | 3 |", ["a | b", "--+------", "1 |", "1 | 2 | 3"]),
        ("| | |\n|---|---|\n| 1 | 2 |", ["1 | 2"]),
        ("| a |\n|---|\n| 1 |", ["a", "-", "1"]),
        ("| a | b |\n|---|---|", ["a | b", "--+--"]),
    ],
    ids=["without outer borders", "miscounted", "ragged", "without names", "one column", "without rows"],
)
def test_tables_that_are_not_quite_right_are_tables(text: str, rows: list[str]) -> None:
    assert shown(text) == "\n".join(["```", *rows, "```"])


@pytest.mark.parametrize(
    "text",
    ["| a | b |", "| a | b |\n| 1 | 2 |", "a || b\n\n|---|---|", "`a | b`", "```\n| a |\n|---|\n```"],
)
def test_what_is_no_table_stays_as_it_is(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("> | a |\n> |---|\n> | 1 |\n\nEnd.", "> ```\n> a\n> -\n> 1\n> ```\n\nEnd."),
        ("- item\n\n  | a |\n  |---|\n  | 1 |\n- next", "- item\n\n  ```\n  a\n  -\n  1\n  ```\n- next"),
        ("Text:\n| a |\n|---|\n| 1 |\nMore text.", "Text:\n```\na\n-\n1\n```\nMore text."),
        ("| a |\n|---|\n| 1 |\n## Next", "```\na\n-\n1\n```\n## Next"),
    ],
    ids=["quote", "list", "between lines", "before a heading"],
)
def test_a_table_stays_where_it_stands(text: str, message: str) -> None:
    assert shown(text) == message


def test_a_table_longer_than_a_message_goes_on_below_its_header_again() -> None:
    rows = [f"| number {number} | {number * 7} |" for number in range(400)]
    parts = render_markdown(
        "Look:\n\n" + "\n".join(["| What | Times seven |", "|---|---|", *rows]) + "\n\nThat is all."
    )
    assert len(parts) == 4
    assert all("\nWhat       | Times seven\n-----------+------------\n" in f"\n{part}" for part in parts)
    assert all(len(part) > 1700 for part in parts[:-1])
    assert [part for part in parts if misaligned(part)] == []
    assert "".join(parts).count("\nnumber ") == 400


def test_a_table_begins_in_the_next_message_where_there_is_little_room_with_what_announces_it() -> None:
    prose = "Some words in a sentence. " * 65
    first, second = render_markdown(f"{prose}\n\n### Who is who\n\n{NAMES}")
    assert first == prose.strip()
    assert second == f"### Who is who\n\n{GRID}"


def test_a_row_beyond_any_message_is_told() -> None:
    parts = render_markdown(f"| a | b |\n|---|---|\n| x | {'word ' * 1000}|\n| 1 | 2 |")
    assert all(len(part) <= 2000 for part in parts)
    assert "\n".join(parts).count("word") == 1000


def test_no_border_shows_while_a_table_is_coming() -> None:
    for preview in growing(NAMES):
        assert not preview.startswith("|")
        assert "|---" not in preview
        assert misaligned(preview) is None
    assert preview == GRID


def test_a_growing_table_keeps_its_words() -> None:
    seen = ""
    for preview in growing(NAMES):
        words = "".join(preview.replace("|", "").replace("+", "").replace("-", "").split()).replace("`", "")
        assert words.startswith(seen)
        seen = words


def test_an_address_that_is_coming_does_not_widen_its_column() -> None:
    *_, last = growing("| a | b |\n|---|---|\n| x | [the docs](https://docs.example/a/long/pa")
    assert last == "```\na | b\n--+---------\nx | the docs\n```"


def test_a_line_that_may_be_a_header_shows_meanwhile() -> None:
    *_, last = growing("`a | b` costs $x^2$\n")
    assert last == "`a | b` costs `x^2`"


def test_no_grid_is_wider_than_a_screen() -> None:
    for words in range(1, 30):
        text = f"| a | b | c |\n|-|-|-|\n| {'word ' * words} | {'x' * words} | y |"
        lines = shown(text).split("\n")
        assert lines[0] != "```" or max(map(len, lines)) <= MAX_WIDTH


def rows_drawn(text: str, monkeypatch: pytest.MonkeyPatch) -> int:
    drawn = 0
    original = grid._format_row

    def counting(*arguments: Any) -> tuple[str, ...]:
        nonlocal drawn
        drawn += 1
        return original(*arguments)

    monkeypatch.setattr(grid, "_format_row", counting)
    render_markdown(text)
    return drawn


def test_each_row_of_a_long_table_is_drawn_about_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rows_drawn("|a|\n|-|\n" + "|b|\n" * 4000, monkeypatch) <= 4000 * 1.1


def test_rows_are_drawn_again_only_where_a_column_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    growing_rows = "".join(f"|{'b' * (1 + number % 40)}|\n" for number in range(4000))
    assert rows_drawn(f"|a|\n|-|\n{growing_rows}", monkeypatch) <= 4000 * 15


def test_a_header_too_long_to_stand_in_each_row_stands_above_them_once() -> None:
    text = f"| a | {'name ' * 100}|\n|---|---|\n" + "| 1 | 2 |\n" * 300
    messages = "\n".join(render_markdown(text))
    assert messages.count("name") == 100
    assert messages.count("**1**\n- 2") == 300
