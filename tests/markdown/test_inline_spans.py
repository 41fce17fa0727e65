"""What is a formula between dollar signs, and what is money, a variable or prose."""

import pytest

from bot.markdown.lines import InlineRenderer, render_inline

INLINE = {
    "a symbol": ("$x$", "`x`"),
    "an equation": ("Energy is $E = mc^2$.", "Energy is `E = mc^2`."),
    "several": ("$x_1$, $x_2$", "`x_1`, `x_2`"),
    "letters in a row": ("$a b c d$", "`a b c d`"),
    "a number": ("$3.50$ and $6$", "`3.50` and `6`"),
    "braces": ("${x}$", "`{x}`"),
    "an escaped sign inside": ("$x\\$y$", "`x\\$y`"),
    "behind Chinese": ("价格$x$元", "价格`x`元"),
    "behind money": ("between $5 and $x$", "between $5 and `x`"),
}
DISPLAY = {
    "an equation": ("So $$x^2 = 4$$.", "So `x^2 = 4`."),
    "a symbol": ("So $$x$$.", "So `x`."),
    "white space inside": ("So $$ x^2 $$.", "So `x^2`."),
}
NO_FORMULA = {
    "money": "it costs $5 and $10, or ($5) or ($6)",
    "a range of money": "$5-$10",
    "money in words": "$100 million$ and $$5 and more$$",
    "escaped money": "\\$5 and \\$6",
    "an escaped sign": "\\$x$",
    "variables": "$HOME and $PATH:$HOME",
    "part of words": "a$b$c",
    "white space behind the first sign": "$ x$",
    "white space in front of the second sign": "$x $",
    "a digit behind it": "$x$5",
    "code": "$`x`$",
    "prose": "$the price$",
    "one sign": "x $",
    "signs alone": "$ $$ $$$ $$$$",
    "three signs": "$$$x^2$$$",
    "not closed": "$$x^2$",
}


@pytest.mark.parametrize(("text", "shown"), [*INLINE.values(), *DISPLAY.values()], ids=[*INLINE, *DISPLAY])
def test_a_formula_between_dollar_signs_is_shown_as_code(text: str, shown: str) -> None:
    assert render_inline(text).markdown == streamed(text) == shown


@pytest.mark.parametrize("text", NO_FORMULA.values(), ids=NO_FORMULA)
def test_dollar_signs_without_a_formula_are_shown_as_they_are(text: str) -> None:
    assert render_inline(text).markdown == streamed(text) == text


def streamed(text: str) -> str:
    """Return `text` as it is shown when it comes character by character."""
    renderer = InlineRenderer()
    return "".join([*map(renderer.feed, text), renderer.feed("", is_end=True)])
