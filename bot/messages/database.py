"""Sentences for the operator about the database: why it can't be used, and what the check found."""

from typing import Literal

from bot.messages.message import Message


def bad_url() -> Message:
    return Message("database.bad_url")


def old_sqlite(version: str) -> Message:
    return Message("database.old_sqlite", {"version": version})


def folder_not_created(folder: str, reason: str) -> Message:
    return Message("database.folder_not_created", {"folder": folder, "reason": reason})


def folder_not_writable(folder: str, path: str, reason: str) -> Message:
    return Message("database.folder_not_writable", {"folder": folder, "path": path, "reason": reason})


def not_a_file(path: str, kind: Literal["folder", "pipe or device"]) -> Message:
    return Message("database.not_a_file", {"path": path, "kind": kind})


def unreadable(path: str, reason: str) -> Message:
    return Message("database.unreadable", {"path": path, "reason": reason})


def not_sqlite(path: str) -> Message:
    return Message("database.not_sqlite", {"path": path})


def of_another_program(path: str) -> Message:
    return Message("database.of_another_program", {"path": path})


def damaged(path: str) -> Message:
    return Message("database.damaged", {"path": path})


def newer(path: str, schema: int, known: int) -> Message:
    return Message("database.newer", {"path": path, "schema": schema, "known": known})


def no_write_ahead_log(path: str, journal_mode: str) -> Message:
    return Message("database.no_write_ahead_log", {"path": path, "journal_mode": journal_mode})


def unusable(path: str, reason: str) -> Message:
    return Message("database.unusable", {"path": path, "reason": reason})


def busy(path: str, reason: str) -> Message:
    return Message("database.busy", {"path": path, "reason": reason})


def read_only(path: str, reason: str) -> Message:
    return Message("database.read_only", {"path": path, "reason": reason})


Access = Literal["search", "write", "use"]
"""What a user may not do: search a folder, write in a folder, read and write a file."""


def on_read_only_disk(path: str, user: int, access: Access, place: str, owner: int) -> Message:
    return Message(
        "database.on_read_only_disk", {"path": path, "user": user, "access": access, "place": place, "owner": owner}
    )


def forbidden_by_mode(path: str, user: int, access: Access, place: str) -> Message:
    return Message("database.forbidden_by_mode", {"path": path, "user": user, "access": access, "place": place})


def folder_of_another_user(path: str, user: int, access: Access, place: str, owner: int) -> Message:
    return Message(
        "database.folder_of_another_user",
        {"path": path, "user": user, "access": access, "place": place, "owner": owner},
    )


def file_of_another_user(path: str, user: int, place: str, owner: int) -> Message:
    return Message("database.file_of_another_user", {"path": path, "user": user, "place": place, "owner": owner})


def disk_full(path: str) -> Message:
    return Message("database.disk_full", {"path": path})


def disk_nearly_full(path: str, free_mib: float, needed_mib: int) -> Message:
    return Message("database.disk_nearly_full", {"path": path, "free_mib": free_mib, "needed_mib": needed_mib})


def readable_by_others(file: str) -> Message:
    return Message("database.readable_by_others", {"file": file})


def created_at_start(path: str) -> Message:
    return Message("database.created_at_start", {"path": path})


def migrated_at_start(path: str, schema: int, newest: int) -> Message:
    return Message("database.migrated_at_start", {"path": path, "schema": schema, "newest": newest})


def usable(path: str) -> Message:
    return Message("database.usable", {"path": path})


def on_network_disk(file_system: str) -> Message:
    return Message("database.on_network_disk", {"file_system": file_system})


def readable_until_start() -> Message:
    return Message("database.readable_until_start")
