"""Every relative link in the documents leads to a file, and every anchor to a heading."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "PRIVACY.md", *sorted((ROOT / "docs").rglob("*.md"))]
PARSER = MarkdownIt().enable("table")


def inline_tokens(page: Path) -> Iterator[Token]:
    for token in PARSER.parse(page.read_text(encoding="utf-8")):
        yield from token.children or ()


def anchors(page: Path) -> set[str]:
    """Return the ids that GitHub gives to a page's headings; of equal ones only the first can be linked to here."""
    tokens = PARSER.parse(page.read_text(encoding="utf-8"))
    titles = [text for heading, text in pairwise(tokens) if heading.type == "heading_open"]
    words = ("".join(each.content for each in title.children or ()) for title in titles)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in words}


def broken_links(page: Path) -> list[str]:
    found = []
    for token in inline_tokens(page):
        target = str(token.attrGet("href") or token.attrGet("src") or "")
        link = urlsplit(target)
        if not target or link.scheme or link.netloc:
            continue
        file = page.parent / unquote(link.path) if link.path else page
        if not file.exists() or (link.fragment and link.fragment not in anchors(file)):
            found.append(target)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_a_link_to_a_missing_file_or_heading_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A `code` heading, twice\n\n[here](#a-code-heading-twice) [gone](#gone) [no file](missing.md)\n\n"
        "| table |\n| --- |\n| ![no picture](missing.svg) |\n"
    )
    assert broken_links(page) == ["#gone", "missing.md", "missing.svg"]
