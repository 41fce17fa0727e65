"""Every sentence that people read, with sample values. `python -m tests.messages.sentences` writes sentences.txt."""

import importlib
import inspect
import pkgutil
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import bot.messages
from bot.messages.message import Message, plain
from bot.messages.render import render

FILE = Path(__file__).with_name("sentences.txt")
_NOT_SENTENCES = {"message", "render"}


def list_sentences() -> list[str]:
    """Return a line for each sentence and sample: the function with its values, and the words."""
    return [f"{call}\n    {_indented(render(message))}" for call, message in samples()]


def samples() -> Iterator[tuple[str, Message]]:
    """Yield each function's messages, one value varied at a time, with the call that made it."""
    for name, function in _functions():
        for values in _calls(function):
            written = ", ".join(f"{key}={_short(value)}" for key, value in values.items())
            yield f"{name}({written})", function(**values)


def _functions() -> Iterator[tuple[str, Callable[..., Message]]]:
    for module in sorted(each.name for each in pkgutil.iter_modules(bot.messages.__path__)):
        if module in _NOT_SENTENCES:
            continue
        loaded = importlib.import_module(f"bot.messages.{module}")
        for name, function in vars(loaded).items():
            if inspect.isfunction(function) and function.__module__ == loaded.__name__ and not name.startswith("_"):
                yield f"{module}.{name}", function


def _calls(function: Callable[..., Message]) -> Iterator[dict[str, Any]]:
    hints = get_type_hints(function)
    hints.pop("return")
    choices = {name: _samples_of(hint, name) for name, hint in hints.items()}
    first = {name: values[0] for name, values in choices.items()}
    yield first
    for name, values in choices.items():
        for value in values[1:]:
            yield first | {name: value}


_SAMPLES: Mapping[Any, Callable[[str], list[Any]]] = {
    type(None): lambda _: [None],
    bool: lambda _: [False, True],
    int: lambda _: [1, 12_345],
    float: lambda _: [0.5, 90.0],
    str: lambda name: [name.upper()],
    datetime: lambda _: [datetime(2026, 11, 30, 12, tzinfo=UTC)],
    Message: lambda name: [plain(f"[{name}]")],
}


def _samples_of(hint: Any, name: str) -> list[Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in _SAMPLES:
        return _SAMPLES[hint](name)
    if origin is Literal:
        return list(arguments)
    if origin in (Union, types.UnionType):
        return [sample for each in arguments for sample in _samples_of(each, name)]
    if origin in (list, Sequence):
        (sample, *_) = _samples_of(arguments[0], name)
        return [[sample], [sample, sample, sample]]
    raise TypeError(f"{name}: no sample for {hint}")


def _short(value: Any) -> str:
    if isinstance(value, Message):
        return render(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_short, value))}]"
    return f"{value:%Y-%m-%d}" if isinstance(value, datetime) else repr(value)


def _indented(text: str) -> str:
    return text.replace("\n", "\n    ")


if __name__ == "__main__":
    FILE.write_text("\n".join(list_sentences()) + "\n")
