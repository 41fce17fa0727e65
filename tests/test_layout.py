"""How the code outside the sandbox is cut into files: many enough to be found by name, few enough to be read."""

import ast
import re
import statistics
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted([*ROOT.glob("bot/**/*.py"), *ROOT.glob("cogs/*.py")])
MOST_FILES = 225
MOST_LINES = 400
MEDIAN_LINES = range(90, 151)
MOST_FUNCTION_LINES = 45
LONG_FUNCTIONS = {"bot/app.py:open_services": "the composition root: one service after the other, in the order of need"}
"""Functions that may be longer, and why."""

_TABLE = "the table, the service above it, its sentences or its commands"
SAME_NOUN = {
    "attachments": "files that come with a question: as Discord has them, as the model gets them",
    "auto_read": "channels that are read aloud: the setting, the listener for messages",
    "context": "the request context, and how Discord's objects become one",
    "database": "the database, and the sentences about it",
    "errors": "the errors, and their sentences",
    "history": _TABLE,
    "images": "the API's image generation, and its sentences",
    "personas": _TABLE,
    "privacy": _TABLE,
    "pronunciations": _TABLE,
    "settings": "the operator's, and those of channels and servers with their table and sentences",
    "speech": "the API's text to speech, and its sentences",
    "usage": _TABLE,
    "voice": "the commands for voice channels, and their sentences",
}
"""Names of files that stand in several packages, and the noun that they share."""


def lines_of(file: Path) -> int:
    return len(file.read_text("utf-8").splitlines())


def test_there_are_not_more_files_than_a_reader_can_know() -> None:
    assert len(FILES) <= MOST_FILES


def test_files_have_a_size_that_reads_well() -> None:
    sizes = [lines_of(file) for file in FILES if file.name != "__init__.py"]
    assert round(statistics.median(sizes)) in MEDIAN_LINES


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_file_is_too_long(file: Path) -> None:
    assert lines_of(file) <= MOST_LINES


def test_a_function_fits_a_screen() -> None:
    folders = ("bot", "cogs", "sandbox", "scripts", "benchmarks", "tests")
    files = [file for folder in folders for file in sorted(ROOT.glob(f"{folder}/**/*.py"))]
    long = {name: size for file in files for name, size in function_sizes(file) if size > MOST_FUNCTION_LINES}
    assert long.keys() == LONG_FUNCTIONS.keys(), long


def function_sizes(file: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno is not None:
            yield f"{file.relative_to(ROOT)}:{node.name}", node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_what_catches_every_error_says_why(file: Path) -> None:
    lines = file.read_text("utf-8").splitlines()
    handlers = [each for each in ast.walk(ast.parse("\n".join(lines))) if isinstance(each, ast.ExceptHandler)]
    wide = [
        each.lineno for each in handlers if each.type is None or named_in(each.type) & {"Exception", "BaseException"}
    ]
    assert [number for number in wide if not any("# " in line for line in lines[number - 1 : number + 1])] == []


def test_a_name_stands_in_two_packages_only_for_the_same_noun() -> None:
    places = defaultdict(list)
    for file in FILES:
        if file.name not in ("__init__.py", "__main__.py"):
            places[file.stem].append(str(file.relative_to(ROOT)))
    twice = {name: where for name, where in places.items() if len(where) > 1}
    assert twice.keys() - SAME_NOUN.keys() == set(), {name: twice[name] for name in twice.keys() - SAME_NOUN.keys()}
    assert SAME_NOUN.keys() - twice.keys() == set()


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_classes_of_a_file_use_each_other(file: Path) -> None:
    assert len(groups(file)) <= 1, groups(file)


def has_behaviour(node: ast.ClassDef) -> bool:
    """Return whether a class does more than hold what it was made with."""
    if any(ast.unparse(base).endswith(("Error", "Exception", "Protocol")) for base in node.bases):
        return False
    methods = [each for each in node.body if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return any(
        not each.name.startswith("__") and not any(ast.unparse(by) in _MADE_WITH for by in each.decorator_list)
        for each in methods
    )


_MADE_WITH = {"property", "classmethod", "staticmethod", "cached_property"}


def groups(file: Path) -> list[set[str]]:
    """Return the classes with behaviour of a file, together where one names the other, or something between them does.

    Values, enumerations, exceptions and protocols have none: several of one noun may share a file.
    """
    tree = ast.parse(file.read_text("utf-8"))
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef) and has_behaviour(node)}
    # A constant or a logger that two classes use does not make them belong together; a function or a type does.
    defined = {name for node in tree.body for name in names_of(node) if re.search("[a-z]", name) and name != "logger"}
    together: list[set[str]] = []
    for node in tree.body:
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            joined = {*names_of(node), *(named_in(node) & defined)}
            apart = [group for group in together if not group & joined]
            together = [*apart, joined.union(*(group for group in together if group & joined))]
    return [group & classes for group in together if group & classes]


def names_of(node: ast.stmt) -> list[str]:
    """Return what a statement of a module defines."""
    match node:
        case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
            return [node.name]
        case ast.Assign():
            return [each.id for each in node.targets if isinstance(each, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


def named_in(node: ast.AST) -> set[str]:
    """Return the names in a statement or a part of one, those in quoted annotations too."""
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    quoted = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return names | {word for text in quoted if len(text) < 200 for word in re.findall(r"\w+", text)}
