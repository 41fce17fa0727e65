"""Sentences for the operator about settings and the `.env` file.

A problem is a line that begins with the setting's name, and never holds the given value: a mistyped secret is still a
secret. Those that return what a setting accepts are for `invalid`, `unset` and the reference page.
"""

from collections.abc import Sequence
from typing import Literal

from bot.messages.message import Message


def problems(problems: Sequence[Message]) -> Message:
    return Message("configuration.problems", {"problems": problems})


def invalid(setting: str, expected: Message) -> Message:
    return Message("configuration.invalid", {"setting": setting, "expected": expected})


def unset(setting: str, expected: Message) -> Message:
    return Message("configuration.unset", {"setting": setting, "expected": expected})


def unusable(setting: str) -> Message:
    return Message("configuration.unusable", {"setting": setting})


def any_value() -> Message:
    return Message("configuration.any_value")


def discord_token() -> Message:
    return Message("configuration.discord_token")


def bare_discord_token() -> Message:
    return Message("configuration.bare_discord_token")


def api_key() -> Message:
    return Message("configuration.api_key")


def bare_api_key() -> Message:
    return Message("configuration.bare_api_key")


def discord_base_url() -> Message:
    return Message("configuration.discord_base_url")


def api_base_url() -> Message:
    return Message("configuration.api_base_url")


def speech_path() -> Message:
    return Message("configuration.speech_path")


def database_url() -> Message:
    return Message("configuration.database_url")


def voice() -> Message:
    return Message("configuration.voice")


def model() -> Message:
    return Message("configuration.model")


def model_patterns() -> Message:
    return Message("configuration.model_patterns")


def persona() -> Message:
    return Message("configuration.persona")


def whole_number(low: int, high: int) -> Message:
    return Message("configuration.whole_number", {"low": low, "high": high})


def quota() -> Message:
    return Message("configuration.quota")


def rate() -> Message:
    return Message("configuration.rate")


def concurrency() -> Message:
    return Message("configuration.concurrency")


def ids() -> Message:
    return Message("configuration.ids")


def switch() -> Message:
    return Message("configuration.switch")


def choice(choices: Sequence[str]) -> Message:
    return Message("configuration.choice", {"choices": choices})


def models_of_two_kinds(setting: str, other: str) -> Message:
    return Message("configuration.models_of_two_kinds", {"setting": setting, "other": other})


def history_without_tokens() -> Message:
    return Message("configuration.history_without_tokens")


def no_bot_token() -> Message:
    return Message("configuration.no_bot_token")


def bot_token_as_api_key() -> Message:
    return Message("configuration.bot_token_as_api_key")


def names_ignored(names: Sequence[str | Message]) -> Message:
    return Message("configuration.names_ignored", {"names": names})


def name_in_line(line: int) -> Message:
    return Message("configuration.name_in_line", {"line": line})


def similar_name_ignored(name: str, nearest: str) -> Message:
    return Message("configuration.similar_name_ignored", {"name": name, "nearest": nearest})


def file_is_folder() -> Message:
    return Message("configuration.file_is_folder")


def file_unreadable(reason: str) -> Message:
    return Message("configuration.file_unreadable", {"reason": reason})


def file_too_large(kib: int) -> Message:
    return Message("configuration.file_too_large", {"kib": kib})


def file_in_utf_16() -> Message:
    return Message("configuration.file_in_utf_16")


def file_not_utf_8(line: int) -> Message:
    return Message("configuration.file_not_utf_8", {"line": line})


def zero_byte_in_file(line: int) -> Message:
    return Message("configuration.zero_byte_in_file", {"line": line})


def unclosed_quotation(line: int) -> Message:
    return Message("configuration.unclosed_quotation", {"line": line})


def unclosed_quotation_of(setting: str, line: int) -> Message:
    return Message("configuration.unclosed_quotation_of", {"setting": setting, "line": line})


def setting_in_value(setting: str, line: int) -> Message:
    return Message("configuration.setting_in_value", {"setting": setting, "line": line})


def set_twice(setting: str, first: int, second: int) -> Message:
    return Message("configuration.set_twice", {"setting": setting, "first": first, "second": second})


LineHint = Literal["none", "quotation", "remark"]
"""What may be wrong with a line that is not `NAME=value`."""


def unreadable_line(line: int, hint: LineHint) -> Message:
    return Message("configuration.unreadable_line", {"line": line, "hint": hint})


def unreadable_line_of(setting: str, line: int, hint: LineHint) -> Message:
    return Message("configuration.unreadable_line_of", {"setting": setting, "line": line, "hint": hint})


def unknown_name(name: str, line: int, nearest: str) -> Message:
    return Message("configuration.unknown_name", {"name": name, "line": line, "nearest": nearest})


def unknown_name_near(setting: str, line: int) -> Message:
    return Message("configuration.unknown_name_near", {"setting": setting, "line": line})
