"""What models write, as Discord shows it."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.markdown.lookahead import MAX_SPAN_LENGTH, BracketPairs
from bot.markdown.renderer import MarkdownRenderer, render_markdown
from bot.markdown.splitter import split
from tests.support.markdown_oracle import has_open_fence
from tests.support.markdown_samples import pieces, sample

RULE = "─" * 15
SHARDS = [
    *(
        "| a | b |\n",
        "|---|:-:|\n",
        "| 1 | [x](https://a.example/b) |\n",
        "|",
        "---\n",
        "===",
        "#### x\n",
        "######\n",
        "\n",
    ),
    *(
        "$x^2$",
        "$",
        "$$",
        "\n$$\n",
        "\\(",
        "\\)",
        "\\[",
        "\\]",
        "\\begin{a}",
        "\\end{a}",
        "[t](https://b.example/x)",
        "](",
        "[",
    ),
    *(
        "![a](",
        "![",
        "!",
        "[^1]",
        "[^1]: n",
        "- [ ] ",
        "- ",
        "> ",
        ">",
        "1. ",
        "    ",
        "\r\n",
        "\r",
        "&lt;",
        "&",
        "<b>",
        "</b>",
    ),
    *(
        "<br>",
        "<",
        "<!--",
        "-->",
        "<details>",
        "`",
        "``",
        "```",
        "```py\n",
        "~~~\n",
        "https://c.example/$a$",
        " ",
        "words and ",
    ),
    *("word " * 30, "\\", "*", "**", "x" * 200, "| " + "cell " * 20 + "|\n", "[!NOTE]", "<code>", "</code>", "你好"),
]
NASTY = st.lists(st.sampled_from(SHARDS), max_size=60).map("".join)

LINES = {
    "plain": ("Hello **you**, *hi*, ~~no~~, ||so||, __u__.", "Hello **you**, *hi*, ~~no~~, ||so||, __u__."),
    "headings": ("# 1\n## 2\n### 3", "# 1\n## 2\n### 3"),
    "deep heading": ("#### Deep **er** `**` ####", "**Deep er `**`**"),
    "deepest heading": ("> ####### Deepest", "> **Deepest**"),
    "no heading": ("####x and ####", "####x and ####"),
    "rules": ("a\n\n---\n\n* * *\n___\nb", f"a\n\n{RULE}\n\n{RULE}\n{RULE}\nb"),
    "underlined": ("Title\n=====\nSecond\n---", f"Title\n{RULE}\nSecond\n{RULE}"),
    "no rule": ("===\n--", "===\n--"),
    "image": ("![A *cat*](https://i.example/c.png)", "[A *cat*](<https://i.example/c.png>) (i.example)"),
    "image without words": ("![](https://i.example/c.png)", "[image](<https://i.example/c.png>) (i.example)"),
    "badge": ("[![ok](https://i.example/o.svg)](https://c.example/)", "[ok](<https://c.example/>) (c.example)"),
    "link": ("see [the _docs_](https://d.example/a_(b)).", "see [the _docs_](<https://d.example/a_(b)>) (d.example)."),
    "link in brackets": ("[a [b] c](<https://d.example/x>)", "[a [b] c](<https://d.example/x>) (d.example)"),
    "no link": ("[x] (y) [z]: w [a](b c d) f[0](1)", "[x] (y) [z]: w [a](b c d) f0 (1)"),
    "address": ("https://x.example/$a$_b_ <https://y.example>", "https://x.example/$a$_b_ <https://y.example>"),
    "footnotes": ("So[^1], no[^note].\n\n[^1]: Because $x$.", "So¹, no^note.\n\n-# ¹ Because `x`."),
    "tasks": ("- [ ] to do\n  * [x] done\n1. [X] too\n[ ] not", "- ☐ to do\n  * ☑ done\n1. ☑ too\n[ ] not"),
    "alert": ("> [!WARNING]\n> Hot.", "> **Warning**\n> Hot."),
    "breaks": ("a<br>b<br/> c", "a\nb\nc"),
    "backslashes": ("one\\\ntwo \\* \\\\", "one\ntwo \\* \\\\"),
    "breaks in their places": ("> - a<br>b", "> - a\n>   b"),
    "tags": ("<b>a</b> <i>b</i> <u>c</u> <del>d</del> <kbd>e</kbd>", "**a** *b* __c__ ~~d~~ `e`"),
    "tags within tags": ("<p><b>a <i>b</i></b></p>", "**a *b***"),
    "scripts": ("x<sup>2</sup> H<sub>2</sub>O 1<sup>st</sup>", "x² H₂O 1^st"),
    "details": ("<details>\n<summary>More</summary>\nwords\n</details>", "**More** \nwords"),
    "html link": ('<a href="https://a.example/?x&amp;y">t</a>', "[t](<https://a.example/?x&y>) (a.example)"),
    "html image": ("<img src='https://a.example/i.png' alt='A' />", "[A](<https://a.example/i.png>) (a.example)"),
    "comment": ("a <!-- hidden -->b\n<!-- line -->\nc", "a b\nc"),
    "no tags": ("List<int> a < b > c <T> <b>open", "List<int> a < b > c <T> <b>open"),
    "discord's own": ("<@1> <@&2> <#3> <:a:4> <a:b:5> <t:6:R> </c d:7>",) * 2,
    "entities": ("&lt;b&gt; &amp; a&nbsp;b &mdash; &nope; AT&T", "\\<b\\> \\& a b — &nope; AT&T"),
    "formulas": ("$x^2$, \\(a+b\\), \\[c=d\\], $$e$$, $dx$", "`x^2`, `a+b`, `c=d`, `e`, `dx`"),
    "formula without spaces around": ("设$x$为", "设`x`为"),
    "money": ("$5 and $10, US$5, $5-$10, 5$ or 6$, **$5** and **$6**, \\$7 $x",) * 2,
    "variables": ("$HOME/bin:$PATH, ${A}/${B}, $(a)$(b), $_GET/$_POST, $$$ a $$$",) * 2,
    "escaped brackets": ("\\[1\\] and \\[sic\\]",) * 2,
    "display": ("So\n$$\na\n= b\n$$\nthen", "So\n```tex\na\n= b\n```\nthen"),
    "display in a line": ("\\[ a = b \\].\n\n$$c$$", "```tex\na = b .\n```\n\n```tex\nc\n```"),
    "display from word to word": ("\\[ a\n= b \\]", "```tex\na\n= b\n```"),
    "environment": ("\\begin{align}\na &= b\n\\end{align}", "```tex\n\\begin{align}\na &= b\n\\end{align}\n```"),
    "display in a list": ("- so\n  $$\n  a\n  $$\n- then", "- so\n  ```tex\n  a\n  ```\n- then"),
    "display cut off": ("$$\na =", "```tex\na =\n```"),
    "no display": ("$$\na\n\nb", "$$\na\n\nb"),
    "fence": ("```md\n#### x $y$ [a](https://b.example)\n```\n#### x", "```md\n#### x $y$ [a](https://b.example)\n```\n**x**"),
    "fence in a list": ("- ```\n  $y^2$\n  ```\n  $y^2$", "- ```\n  $y^2$\n  ```\n  `y^2`"),
    "fence that ends with its quote": ("> ```\n> $y^2$\n$y^2$", "> ```\n> $y^2$\n`y^2`"),
    "code": ("`$x$ <br> [a](https://b.example)` ``a ` $y$``",) * 2,
    "open code": ("a ` b $x^2$", "a ` b `x^2`"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "shown"), LINES.values(), ids=LINES)
def test_what_discord_has_no_picture_of_becomes_something_that_reads_well(text: str, shown: str) -> None:
    assert "\n<next>\n".join(render_markdown(text)) == shown


@pytest.mark.parametrize("text", ["<details>\n</details>", "<!-- a -->", "<p>"])
def test_tags_alone_are_shown_as_they_are(text: str) -> None:
    assert render_markdown(text) == [text]


def test_white_space_shows_nothing() -> None:
    assert render_markdown(" \n\r\n\t") == []


def test_a_long_line_shows_as_it_comes() -> None:
    rendering, parts = MarkdownRenderer(), []
    for _ in range(450):
        parts += rendering.feed("words ")
    assert [len(part) for part in parts] == [1997]
    assert rendering.preview(2000).startswith("words words")


def test_a_link_that_is_coming_shows_its_text() -> None:
    rendering = MarkdownRenderer()
    rendering.feed("See [the docs](https://docs.exam")
    assert rendering.preview(2000) == "See the docs"
    rendering.feed("ple/x)")
    assert rendering.preview(2000) == "See [the docs](<https://docs.example/x>) (docs.example)"


@pytest.mark.parametrize("text", ["[" * 60_000, "[" * 60_000 + "]", "![" * 30_000 + "](" * 10, "[[]" * 20_000])
def test_a_text_is_searched_once_for_the_brackets_that_close(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    searched = 0
    original = BracketPairs._read

    def counting(self: BracketPairs) -> dict[int, int]:
        nonlocal searched
        searched += len(self._text)
        return original(self)

    monkeypatch.setattr(BracketPairs, "_read", counting)
    render_markdown(text)
    assert searched <= len(text) + 2 * MAX_SPAN_LENGTH


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("#### a" + " " * 3000 + "b", "**a" + " " * 3000 + "b**"),
        ("#### a ##  ", "**a**"),
        ("#### a # #", "**a #**"),
        ("#### a#", "**a#**"),
        ("#### #", "**#**"),
    ],
    ids=["blanks", "closed", "closed twice", "a hash of a word", "a hash alone"],
)
def test_hashes_that_close_a_heading_do_not_show(text: str, shown: str) -> None:
    assert "".join(render_markdown(text, 4000)) == shown


@pytest.mark.parametrize(
    "text",
    [
        "```" + "a " * 3000,
        "```" + "a " * 3000 + "`",
        "- ```\n  " + "x" * 6000,
        "- ```\n" + "x" * 6000,
        "$$\n" + "a + " * 1500,
    ],
    ids=["info", "no fence", "code in a list", "a line behind a list", "formula"],
)
def test_no_line_is_held_back_for_longer_than_two_messages(text: str) -> None:
    rendering = MarkdownRenderer()
    shown = sum(len(rendering.feed(text[at : at + 100])) for at in range(0, len(text), 100))
    assert shown >= 2
    assert shown + len(rendering.finish()) == len(render_markdown(text))


def test_no_line_breaks_behind_many_quote_marks() -> None:
    assert "".join(render_markdown("> " * 100 + "a<br>b" * 100)).count("\n") < 5


@settings(deadline=None, max_examples=300)
@given(NASTY, st.integers(100, 400), st.lists(st.integers(0, 3000), max_size=20))
def test_parts_do_not_depend_on_how_the_text_arrives(text: str, limit: int, cuts: list[int]) -> None:
    rendering = MarkdownRenderer(limit)
    edges = [0, *sorted(cuts), max([len(text), *cuts])]
    parts = []
    for start, end in pairwise(edges):
        parts += rendering.feed(text[start:end])
        preview = rendering.preview(limit - 10)
        assert len(preview) <= limit - 10
        assert not has_open_fence(preview)
    assert [*parts, *rendering.finish()] == render_markdown(text, limit)


@settings(deadline=None, max_examples=150)
@given(NASTY, st.integers(100, 400))
def test_any_text_fits_and_what_was_shown_of_it_stays(text: str, limit: int) -> None:
    rendering, parts, shown = MarkdownRenderer(limit), [], 0
    for character in text:
        parts += rendering.feed(character)
        shown = max(shown, len(parts) + bool(rendering.preview(limit - 10)))
    parts += rendering.finish()
    assert len(parts) >= shown
    assert all(0 < len(part) <= limit and not has_open_fence(part) for part in parts)
    assert bool(parts) == bool(text.strip())


@pytest.mark.parametrize("seed", range(40))
def test_streamed_answers_end_up_as_the_whole_would(seed: int) -> None:
    rendering, text = MarkdownRenderer(), sample(seed)
    parts = [part for delta in pieces(text, seed) for part in rendering.feed(delta)]
    assert [*parts, *rendering.finish()] == render_markdown(text)


def test_plain_text_is_only_cut() -> None:
    text = "\n\n".join(f"Paragraph {number}. " + "word " * 60 for number in range(20))
    assert render_markdown(text) == split(text)
