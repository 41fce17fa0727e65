"""Sentences for the operator: why a start failed, `health`, the sandbox, and the lines of `check`."""

from collections.abc import Sequence
from typing import Literal

from bot.messages.message import Message


def start_failed(error: str) -> Message:
    return Message("operator.start_failed", {"error": error})


def event_unreadable(error: str) -> Message:
    return Message("operator.event_unreadable", {"error": error})


def token_refused() -> Message:
    return Message("operator.token_refused")


def intent_refused() -> Message:
    return Message("operator.intent_refused")


def message_content_refused() -> Message:
    return Message("operator.message_content_refused")


def connection_ended() -> Message:
    return Message("operator.connection_ended")


def connection_closed(code: int) -> Message:
    return Message("operator.connection_closed", {"code": code})


def discord_error(error: str) -> Message:
    return Message("operator.discord_error", {"error": error})


def discord_unreachable(error: str) -> Message:
    return Message("operator.discord_unreachable", {"error": error})


def token_without_application() -> Message:
    return Message("operator.token_without_application")


def output_not_writable(reason: str) -> Message:
    return Message("operator.output_not_writable", {"reason": reason})


def sandbox_not_installed() -> Message:
    return Message("operator.sandbox_not_installed")


def sandbox_needs(module: str) -> Message:
    return Message("operator.sandbox_needs", {"module": module})


def bot_connected() -> Message:
    return Message("operator.bot_connected")


def bot_not_connected() -> Message:
    return Message("operator.bot_not_connected")


def bot_not_responding() -> Message:
    return Message("operator.bot_not_responding")


def bot_not_running() -> Message:
    return Message("operator.bot_not_running")


# The lines of `check`, and its last.


def findings(findings: Sequence[Message]) -> Message:
    return Message("operator.findings", {"findings": findings})


def check_broken(error: str) -> Message:
    return Message("operator.check_broken", {"error": error})


def checks_failed(failed: int, total: int) -> Message:
    return Message("operator.checks_failed", {"failed": failed, "total": total})


def all_checks_ok(count: int) -> Message:
    return Message("operator.all_checks_ok", {"count": count})


def all_checks_ok_but_skipped(count: int, skipped: int) -> Message:
    return Message("operator.all_checks_ok_but_skipped", {"count": count, "skipped": skipped})


def settings_usable() -> Message:
    return Message("operator.settings_usable")


def settings_unusable(count: int) -> Message:
    return Message("operator.settings_unusable", {"count": count})


def api_key_accepted(url: str) -> Message:
    return Message("operator.api_key_accepted", {"url": url})


def api_key_refused(url: str) -> Message:
    return Message("operator.api_key_refused", {"url": url})


def api_account_refused(url: str, status: str) -> Message:
    return Message("operator.api_account_refused", {"url": url, "status": status})


def api_unreachable(url: str) -> Message:
    return Message("operator.api_unreachable", {"url": url})


def no_list_of_models(url: str, error: str) -> Message:
    return Message("operator.no_list_of_models", {"url": url, "error": error})


def api_needed() -> Message:
    return Message("operator.api_needed")


def models_listed(models: Sequence[str], count: int) -> Message:
    return Message("operator.models_listed", {"models": models, "count": count})


def models_not_listed(problems: Sequence[Message], listed: Sequence[str]) -> Message:
    return Message("operator.models_not_listed", {"problems": problems, "listed": listed})


def models_not_listed_of_many(problems: Sequence[Message], listed: Sequence[str]) -> Message:
    return Message("operator.models_not_listed_of_many", {"problems": problems, "listed": listed})


def no_models_listed(problems: Sequence[Message]) -> Message:
    return Message("operator.no_models_listed", {"problems": problems})


def model_not_listed(setting: str, model: str) -> Message:
    return Message("operator.model_not_listed", {"setting": setting, "model": model})


def no_allowed_model_listed() -> Message:
    return Message("operator.no_allowed_model_listed")


def voice_libraries_found(libraries: Sequence[Message]) -> Message:
    return Message("operator.voice_libraries_found", {"libraries": libraries})


def voice_library(name: str, version: str) -> Message:
    return Message("operator.voice_library", {"name": name, "version": version})


def voice_libraries_unusable(problems: Sequence[Message]) -> Message:
    return Message("operator.voice_libraries_unusable", {"problems": problems})


def voice_library_missing(name: str, needed: str) -> Message:
    return Message("operator.voice_library_missing", {"name": name, "needed": needed})


def voice_library_too_old(name: str, version: str, needed: str) -> Message:
    return Message("operator.voice_library_too_old", {"name": name, "version": version, "needed": needed})


def bot_token_accepted(name: str, bot_id: str) -> Message:
    return Message("operator.bot_token_accepted", {"name": name, "bot_id": bot_id})


def bot_token_refused() -> Message:
    return Message("operator.bot_token_refused")


def bot_token_needed() -> Message:
    return Message("operator.bot_token_needed")


def discord_status(status: int) -> Message:
    return Message("operator.discord_status", {"status": status})


def no_answer_of_discord(error: str) -> Message:
    return Message("operator.no_answer_of_discord", {"error": error})


def discord_url_unreachable(url: str, error: str) -> Message:
    return Message("operator.discord_url_unreachable", {"url": url, "error": error})


def discord_needed() -> Message:
    return Message("operator.discord_needed")


def interactions_endpoint_unset() -> Message:
    return Message("operator.interactions_endpoint_unset")


def interactions_endpoint_set() -> Message:
    return Message("operator.interactions_endpoint_set")


def message_content_on() -> Message:
    return Message("operator.message_content_on")


def message_content_off() -> Message:
    return Message("operator.message_content_off")


def clock_right() -> Message:
    return Message("operator.clock_right")


def clock_wrong(seconds: int, way: Literal["ahead", "behind"]) -> Message:
    return Message("operator.clock_wrong", {"seconds": seconds, "way": way})


def clock_unknown() -> Message:
    return Message("operator.clock_unknown")
