"""Sentences about what is stored about a member: `/privacy`."""

from datetime import datetime

from bot.messages import history
from bot.messages.message import Message, Value


def summary_heading() -> Message:
    return Message("privacy.summary_heading")


def turns_in_this_server(turns: Message) -> Message:
    return Message("privacy.turns_in_this_server", {"turns": turns})


def turns_in_direct_messages(turns: Message) -> Message:
    return Message("privacy.turns_in_direct_messages", {"turns": turns})


def turns_in_other_servers(servers: int, turns: Message) -> Message:
    return Message("privacy.turns_in_other_servers", {"servers": servers, "turns": turns})


def turns(count: int, oldest_at: datetime) -> Message:
    return Message("privacy.turns", {"turns": history.turns(count), "oldest_at": oldest_at})


def turns_some_private(count: int, private: int, oldest_at: datetime) -> Message:
    values: dict[str, Value] = {"turns": history.turns(count), "private": private, "oldest_at": oldest_at}
    return Message("privacy.turns_some_private", values)


def turns_kept_for(days: int) -> Message:
    return Message("privacy.turns_kept_for", {"days": days})


def no_turns() -> Message:
    return Message("privacy.no_turns")


def settings(count: int) -> Message:
    return Message("privacy.settings", {"count": count})


def setting_changes(count: int, days: int) -> Message:
    return Message("privacy.setting_changes", {"count": count, "days": days})


def voice_settings() -> Message:
    return Message("privacy.voice_settings")


def image_generations(count: int) -> Message:
    return Message("privacy.image_generations", {"count": count})


def limits(count: int) -> Message:
    return Message("privacy.limits", {"count": count})


def left_servers_kept_for(days: int) -> Message:
    return Message("privacy.left_servers_kept_for", {"days": days})


def usage() -> Message:
    return Message("privacy.usage")


def where_questions_go() -> Message:
    return Message("privacy.where_questions_go")


def exported_some(exported: Message, left_out: int) -> Message:
    return Message("privacy.exported_some", {"exported": exported, "left_out": left_out})


def delete_confirmation(count: int) -> Message:
    return Message("privacy.delete_confirmation", {"turns": history.turns(count), "what_stays": _what_stays()})


def delete_button() -> Message:
    return Message("privacy.delete_button")


def deleted(count: int) -> Message:
    return Message("privacy.deleted", {"turns": history.turns(count), "what_stays": _what_stays()})


def deleted_in_part() -> Message:
    return Message("privacy.deleted_in_part")


def _what_stays() -> Message:
    return Message("privacy.what_stays")
