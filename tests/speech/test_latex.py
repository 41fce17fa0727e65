"""Formulas in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.speech.latex import SOME_FORMULA, latex_to_words


@pytest.mark.parametrize(
    ("latex", "said"),
    [
        ("E = mc^2", "E equals m c squared"),
        (
            r"\frac{-b \pm \sqrt{b^2-4ac}}{2a}",
            "minus b plus or minus the square root of b squared minus 4 a c over 2 a",
        ),
        (r"\sum_{i=1}^{n} i", "the sum from i equals 1 to n of i"),
        (r"\int_0^\infty e^{-x} \, dx", "the integral from 0 to infinity of e to the power of minus x d x"),
        (r"\lim_{x \to 0} \sin x \leq 1", "the limit as x goes to 0 of sine x is at most 1"),
        (r"\text{speed of light} \approx 3{,}000", "speed of light is about 3,000"),
        (r"\sqrt[3]{x_{n+1}} \cdot \Delta t", "the cube root of x sub n plus 1 times capital delta t"),
        (r"f'(x) = 90^\circ", "f prime (x) equals 90 degrees"),
        (r"\left( \vec{F} \right) \in \mathbb{R}^3", "(F vector) in R cubed"),
    ],
)
def test_a_formula_is_read_out(latex: str, said: str) -> None:
    assert latex_to_words(latex) == said


@pytest.mark.parametrize(
    "latex",
    ["", r"\begin{matrix}1 & 2\end{matrix}", r"\frobnicate", r"\frac{a}", "{" * 40, "^" * 400, "}", "\\", "x + " * 100],
)
def test_of_what_has_no_words_it_is_only_said_that_it_is_there(latex: str) -> None:
    assert latex_to_words(latex) == SOME_FORMULA


@given(st.lists(st.sampled_from([*r"{}[]^_\ ab1=", r"\frac", r"\sqrt", r"\sum", r"\text{a b}", r"\lim"])))
def test_anything_that_looks_like_a_formula_is_got_through(signs: list[str]) -> None:
    said = latex_to_words("".join(signs))
    assert said
    assert "\\" not in said
