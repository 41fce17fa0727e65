"""Sentences about personas: `/persona`, `/ask persona:`, files of personas."""

from collections.abc import Sequence
from typing import Literal

from bot.messages.message import Message


def empty_name() -> Message:
    return Message("personas.empty_name")


def name_too_long(length: int, longest: int) -> Message:
    return Message("personas.name_too_long", {"length": length, "longest": longest})


def empty_text() -> Message:
    return Message("personas.empty_text")


def empty_text_of_existing() -> Message:
    return Message("personas.empty_text_of_existing")


def empty_text_of_scope(scope: Literal["channel", "server"]) -> Message:
    return Message("personas.empty_text_of_scope", {"scope": scope})


def text_too_long(length: int, longest: int) -> Message:
    return Message("personas.text_too_long", {"length": length, "longest": longest})


def only_in_servers() -> Message:
    return Message("personas.only_in_servers")


def unknown() -> Message:
    return Message("personas.unknown")


def name_taken(name: str) -> Message:
    return Message("personas.name_taken", {"name": name})


def too_many(most: int) -> Message:
    return Message("personas.too_many", {"most": most})


def nothing_to_export() -> Message:
    return Message("personas.nothing_to_export")


def form_title(name: str) -> Message:
    return Message("personas.form_title", {"name": name})


def form_label() -> Message:
    return Message("personas.form_label")


def added(name: str) -> Message:
    return Message("personas.added", {"name": name})


def changed(name: str) -> Message:
    return Message("personas.changed", {"name": name})


def removed(name: str) -> Message:
    return Message("personas.removed", {"name": name})


def list_heading() -> Message:
    return Message("personas.list_heading")


def list_entry(name: str) -> Message:
    return Message("personas.list_entry", {"name": name})


def list_empty() -> Message:
    return Message("personas.list_empty")


def exported() -> Message:
    return Message("personas.exported")


def imported(new: int, changed: int, unchanged: int) -> Message:
    counts = {"imported_new": new, "imported_changed": changed, "imported_unchanged": unchanged}
    parts = [Message(f"personas.{key}", {"count": count}) for key, count in counts.items() if count]
    return Message("personas.imported", {"counts": parts})


def file_problem(problem: Message) -> Message:
    return Message("personas.file_problem", {"problem": problem})


def file_problems(count: int, problems: Sequence[Message], unlisted: int) -> Message:
    """`problems` are the first ones; `unlisted` is how many more there are."""
    entries = [Message("personas.file_problems_entry", {"problem": each}) for each in problems]
    if unlisted:
        entries.append(Message("personas.file_problems_more", {"count": unlisted}))
    return Message("personas.file_problems", {"count": count, "entries": entries})


def unreadable_file() -> Message:
    return Message("personas.unreadable_file")


def no_json(line: int, column: int) -> Message:
    return Message("personas.no_json", {"line": line, "column": column})


def wrong_format(expected: str) -> Message:
    return Message("personas.wrong_format", {"expected": expected})


def wrong_version(expected: int) -> Message:
    return Message("personas.wrong_version", {"expected": expected})


def no_list() -> Message:
    return Message("personas.no_list")


def empty_file() -> Message:
    return Message("personas.empty_file")


def too_many_in_file(count: int, most: int) -> Message:
    return Message("personas.too_many_in_file", {"count": count, "most": most})


def too_many_with_file(count: int, most: int) -> Message:
    return Message("personas.too_many_with_file", {"count": count, "most": most})


def no_object(number: int) -> Message:
    return Message("personas.no_object", {"number": number})


def same_name(number: int, other: int) -> Message:
    return Message("personas.same_name", {"number": number, "other": other})


def field_missing(number: int, field: str) -> Message:
    return Message("personas.field_missing", {"number": number, "field": field})


def field_unstorable(number: int, field: str) -> Message:
    return Message("personas.field_unstorable", {"number": number, "field": field})


def entry_refused(number: int, problem: Message) -> Message:
    return Message("personas.entry_refused", {"number": number, "problem": problem})
