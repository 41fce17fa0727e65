"""Texts that cost a careless reader the square of their length: each a function of about how long it is to be.

A shape is long at every length: a table has more rows, a line more brackets, a fence a longer run.
"""

from collections.abc import Callable
from itertools import count
from typing import Final

Shape = Callable[[int], str]


def _of(unit: str, before: str = "", after: str = "") -> Shape:
    """Return the shape that repeats `unit`, between `before` and `after`."""

    def shape(length: int) -> str:
        return before + unit * max(1, (length - len(before) - len(after)) // len(unit)) + after

    return shape


def _numbered(unit: str, before: str = "") -> Shape:
    """Return the shape that repeats `unit` with a number in the place of `{}`."""

    def shape(length: int) -> str:
        parts, size = [before], len(before)
        for number in count(1):
            if size >= length:
                break
            parts.append(unit.format(number))
            size += len(parts[-1])
        return "".join(parts)

    return shape


def _growing(unit: str, between: str) -> Shape:
    """Return the shape of ever longer runs of `unit`."""

    def shape(length: int) -> str:
        parts, size = [], 0
        for number in count(1):
            if size >= length:
                break
            parts.append(unit * number + between)
            size += len(parts[-1])
        return "".join(parts)

    return shape


def _halves(unit: str, between: str, other: str) -> Shape:
    """Return the shape of which one half repeats `unit` and the other `other`."""

    def shape(length: int) -> str:
        return unit * (length // 2 // len(unit)) + between + other * (length // 2 // len(other))

    return shape


def _wide_table(length: int) -> str:
    columns = max(1, length // 6)
    return "|a" * columns + "|\n" + "|-" * columns + "|\n" + "|b" * columns + "|\n"


SHAPES: Final[dict[str, Shape]] = {
    # Tables
    "table of one column": _of("|b|\n", "|a|\n|-|\n"),
    "table of two columns": _of("| one | two |\n", "| a | b |\n|---|---|\n"),
    "table of different widths": _numbered("| {0} | [x{0}](https://a.example/{0}) |\n", "| a | b |\n|---|:-:|\n"),
    "table told in lists": _of("| x | y y |\n", f"| {'a' * 30} | {'b' * 30} |\n|---|---|\n"),
    "table of empty rows": _of("||\n", "| a | b |\n|---|---|\n"),
    "table without outer bars": _of("1 | 2\n", "a | b\n--|--\n"),
    "table of one long row": _of("word ", "| a | b |\n|---|---|\n| x | ", "|"),
    "cells of emphasis begun": _of(f"| a | {'*a ' * 1200}|\n", "| a | b |\n|---|---|\n"),
    "header as long as the text": _halves("|a", "|\n", "|-"),
    "table as wide as the text": _wide_table,
    "header of words and a delimiter of blanks": _halves("| a ", "|\n|", " "),
    "lines that may be headers": _of("a | b\n"),
    "bars": _of("|"),
    "delimiters": _of("|---|\n"),
    # Brackets
    "opening brackets": _of("["),
    "opening brackets and blanks": _of("[ "),
    "images begun": _of("!["),
    "footnotes begun": _of("[^a"),
    "closing brackets": _of("]"),
    "nested brackets": _halves("[", "", "]"),
    "links begun": _of("[a]("),
    "links to nowhere": _of("[a](b "),
    "links": _of("[a](https://a.example/b) "),
    "image of data": _of("QUJD", "![a](data:image/png;base64,", ")"),
    "opening parentheses": _of("("),
    "footnote marks": _numbered("word[^{}] "),
    "footnotes": _numbered("[^{0}]: note {0}\n"),
    # Headings, rules, lists, quotes
    "heading of blanks": _of(" ", "#### a", "b"),
    "headings of blanks": _of("#### a" + " " * 1900 + "b\n"),
    "heading of hashes": _of(" #", "#### a", " b"),
    "hashes": _of("#"),
    "headings": _of("##### a\n"),
    "dashes apart": _of("- "),
    "dashes apart and a word": _of("- ", "", "a"),
    "stars apart and a word": _of("* ", "", "a"),
    "equals signs": _of("=", "a\n", " b"),
    "quote marks": _of("> "),
    "quote marks without blanks": _of(">"),
    "deeper and deeper quotes": _growing("> ", "a\n"),
    "nested lists": _growing("  ", "- a\n"),
    "numbers of items": _of("1. "),
    "task boxes": _of("- [ ] a\n"),
    "indented lines": _of("        a\n"),
    # Code
    "backticks": _of("`"),
    "backticks apart": _of("` "),
    "growing runs of backticks": _growing("`", " "),
    "growing fences": _growing("`", "\n"),
    "tildes": _of("~"),
    "fences": _of("```\na\n"),
    "fence that stays open": _of("print(1)\n", "```py\n"),
    "fence with a long line": _of("x", "```\n"),
    "code spans": _of("`a` "),
    "words of a fence": _of("a ", "```"),
    # Emphasis
    "stars": _of("*"),
    "stars and letters": _of("*a "),
    "underscores": _of("_"),
    "underscores and letters": _of("_a "),
    "words with underscores": _of("a_"),
    "bold words": _of("**a** "),
    "spoilers begun": _of("|| a "),
    "tildes in pairs": _of("~~a "),
    "spoiler that stays open": _of("a ", "|| "),
    # HTML
    "less-than signs": _of("<"),
    "less-than signs in words": _of("a<b "),
    "comments begun": _of("<!-- "),
    "comments begun without blanks": _of("<!--"),
    "comment that stays open": _of("a ", "<!-- "),
    "tags begun": _of("<b"),
    "tags unclosed": _of("<b>"),
    "tags closed that were not opened": _of("</b>"),
    "links of HTML unclosed": _of('<a href="b">'),
    "tag with many attributes": _of(' a="b"', "<a", ">c</a>"),
    "tag of blanks": _of(" ", "<a", "b"),
    "code of HTML unclosed": _of("<code>a "),
    "line breaks of HTML": _of("<br>"),
    "mentions": _of("<@1> "),
    "ampersands": _of("&"),
    "entities begun": _of("&a"),
    "entities": _of("&lt;"),
    "greater-than signs in words": _of("a>b "),
    # Thoughts
    "thoughts begun": _of("<think>"),
    "thoughts": _of("<think>a</think>"),
    "thoughts in lines": _of("a <think>b</think> "),
    "thoughts ended": _of("</think>"),
    "thought that stays open": _of("a ", "<think>"),
    "aside that stays open": _of("a<b ", "So <think>"),
    "thoughts in code": _of("<think> ", "`"),
    "thought after a thought": _of("<", "<think><think>a</think>"),
    # Formulas
    "dollars": _of("$"),
    "dollars apart": _of("$ "),
    "pairs of dollars": _of("$$ "),
    "formula that stays open": _of("a + ", "$$\n"),
    "formulas": _of("$x^2$ "),
    "parentheses of formulas": _of("\\("),
    "brackets of formulas": _of("\\["),
    "environments begun": _of("\\begin{a}"),
    # Characters
    "escapes": _of("\\"),
    "escaped stars": _of("\\*"),
    "emoji of a family": _of("👩‍👩‍👧‍👦"),
    "zero-width joiners": _of("\u200d"),
    "flags": _of("🇩🇪"),
    "combining marks": _of("\u0301", "e"),
    "combining marks out of order": _of("\u0301\u0316", "e"),
    "wide characters": _of("漢字"),
    "stops of wide characters": _of("，"),
    "sentences of wide characters": _of("これは文です。"),
    "right to left": _of("שלום עולם "),
    "surrogates alone": _of("\ud800"),
    "zeros": _of("\x00"),
    "long word": _of("x"),
    "long word with dots": _of("a."),
    "long address": _of("a/", "https://a.example/"),
    "addresses begun": _of("https://"),
    "digits": _of("1"),
    "ellipses": _of("…"),
    "full stops": _of("."),
    "colons": _of("a:"),
    # White space
    "blanks": _of(" "),
    "newlines": _of("\n"),
    "tabs": _of("\t"),
    "carriage returns": _of("\r"),
    "lines of Windows": _of("a b\r\n"),
    "blanks between words": _of(" " * 1900 + "a"),
    "blanks before line ends": _of("a  \n"),
    "blanks of other kinds": _of("\u3000\u00a0\u2028"),
    # Ordinary text, to compare with
    "prose": _of("It is a quiet evening, and one of us counts. "),
    "paragraphs": _of("It is a quiet evening, and one of us counts.\n\n"),
}  # fmt: skip
"""More than forty of them; add to them, and every reader under tests/growth is tried with them."""
