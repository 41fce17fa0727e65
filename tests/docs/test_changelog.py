"""The changelog names the present version, and its lines are short."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
MOST_WORDS = 20


def test_the_newest_versions_are_the_unreleased_one_and_that_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)[:2] == ["Unreleased", version]


def test_every_line_has_at_most_twenty_words() -> None:
    lines = re.findall(r"^- (.+(?:\n  .+)*)", CHANGELOG, re.MULTILINE)
    words = {line: re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line).split() for line in lines}
    assert [line for line, each in words.items() if len(each) > MOST_WORDS] == []
