"""Sentences for what went wrong, whatever feature it was in."""

from datetime import datetime

from bot.messages.message import Message


def unexpected() -> Message:
    return Message("errors.unexpected")


def unexpected_with_reference(reference: str) -> Message:
    return Message("errors.unexpected_with_reference", {"reference": reference})


def user_blocked() -> Message:
    return Message("errors.user_blocked")


def direct_messages_off() -> Message:
    return Message("errors.direct_messages_off")


def server_not_allowed() -> Message:
    return Message("errors.server_not_allowed")


def not_owner() -> Message:
    return Message("errors.not_owner")


def turn_not_found() -> Message:
    return Message("errors.turn_not_found")


def only_in_servers() -> Message:
    return Message("errors.only_in_servers")


def queue_full() -> Message:
    return Message("errors.queue_full")


def queue_timeout() -> Message:
    return Message("errors.queue_timeout")


def shutting_down() -> Message:
    return Message("errors.shutting_down")


def no_speakable_text() -> Message:
    return Message("errors.no_speakable_text")


def api_key_refused() -> Message:
    return Message("errors.api_key_refused")


def api_account_refused() -> Message:
    return Message("errors.api_account_refused")


def api_unknown_model() -> Message:
    return Message("errors.api_unknown_model")


def api_rate_limited() -> Message:
    return Message("errors.api_rate_limited")


def api_content_refused() -> Message:
    return Message("errors.api_content_refused")


def api_context_too_long() -> Message:
    return Message("errors.api_context_too_long")


def api_bad_request() -> Message:
    return Message("errors.api_bad_request")


def api_images_rejected() -> Message:
    return Message("errors.api_images_rejected")


def api_server_error() -> Message:
    return Message("errors.api_server_error")


def api_unreachable() -> Message:
    return Message("errors.api_unreachable")


def api_timeout() -> Message:
    return Message("errors.api_timeout")


def api_invalid_response() -> Message:
    return Message("errors.api_invalid_response")


def store_unavailable() -> Message:
    return Message("errors.store_unavailable")


def store_full() -> Message:
    return Message("errors.store_full")


def store_read_only() -> Message:
    return Message("errors.store_read_only")


def store_replaced() -> Message:
    return Message("errors.store_replaced")


def unstorable() -> Message:
    return Message("errors.unstorable")


def api_rate_limited_for(seconds: float) -> Message:
    return Message("errors.api_rate_limited_for", {"seconds": seconds})


def missing_permission(permission: str) -> Message:
    return Message("errors.missing_permission", {"permission": permission})


def missing_permission_in(permission: str, where: str) -> Message:
    return Message("errors.missing_permission_in", {"permission": permission, "where": where})


def user_rate_limited(until: datetime) -> Message:
    return Message("errors.user_rate_limited", {"until": until})


def command_changed() -> Message:
    return Message("errors.command_changed")


def button_expired() -> Message:
    return Message("errors.button_expired")


def form_expired() -> Message:
    return Message("errors.form_expired")


def too_many_files() -> Message:
    return Message("errors.too_many_files")
