"""The files, modules and tables that the documents name exist."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.store.schema import migrations, upgrade

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "PRIVACY.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FILE = re.compile(r"`((?:bot|cogs|sandbox|tests|docs|scripts|benchmarks|\.ci)/[\w./-]*)`")
_MODULE = re.compile(r"`((?:bot|cogs|sandbox|tests|benchmarks|scripts)(?:\.\w+)+)`")
_PROGRAM = re.compile(r"python -m ((?:bot|tests|benchmarks|scripts)(?:\.\w+)*)")


def missing(text: str) -> Iterator[str]:
    yield from (name for name in _FILE.findall(text) if not (ROOT / name).exists())
    yield from (name for name in _MODULE.findall(text) + _PROGRAM.findall(text) if not is_module(name))


def architecture(heading: str) -> str:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    return page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_and_module_that_a_page_names_exists(page: Path) -> None:
    assert list(missing(page.read_text(encoding="utf-8"))) == []


def test_a_name_that_is_gone_is_found() -> None:
    gone = "`bot/gone.py`, `bot.gone` and `python -m tests.gone`, but `bot/settings.py` and `cogs/ask.py`"
    assert list(missing(gone)) == ["bot/gone.py", "bot.gone", "tests.gone"]


def test_the_classes_of_the_glossary_exist() -> None:
    rows = re.findall(r"^\| ([^|]*) \|", architecture("Glossary"), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([A-Z]\w+)`", row)}
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "bot").rglob("*.py"))
    assert len(named) > 30
    assert named - set(re.findall(r"^class (\w+)", code, re.MULTILINE)) == set()


def test_the_architecture_page_lists_every_table() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        upgrade(database, migrations())
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert set(re.findall(r"^\| `(\w+)`", architecture("Data model"), re.MULTILINE)) == {
        each for each in tables if each[:7] != "sqlite_"
    }
