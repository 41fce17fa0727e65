"""Sentences about the bot in voice channels: joining, the queue, reading a channel aloud."""

from typing import Literal

from bot.messages.message import Message


def joined(channel: str) -> Message:
    return Message("voice.joined", {"channel": channel})


def not_joined(channel: str) -> Message:
    return Message("voice.not_joined", {"channel": channel})


def left() -> Message:
    return Message("voice.left")


def not_left() -> Message:
    return Message("voice.not_left")


def too_many_joins() -> Message:
    return Message("voice.too_many_joins")


def missing_permission(permission: str, channel: str) -> Message:
    return Message("voice.missing_permission", {"permission": permission, "channel": channel})


def channel_full(channel: str) -> Message:
    return Message("voice.channel_full", {"channel": channel})


def not_listening() -> Message:
    return Message("voice.not_listening")


def not_in_voice() -> Message:
    return Message("voice.not_in_voice")


def in_another_channel(channel: str) -> Message:
    return Message("voice.in_another_channel", {"channel": channel})


def in_hidden_channel() -> Message:
    return Message("voice.in_hidden_channel")


def requester_left() -> Message:
    return Message("voice.requester_left")


def in_stage_audience(channel: str) -> Message:
    return Message("voice.in_stage_audience", {"channel": channel})


def not_installed() -> Message:
    return Message("voice.not_installed")


def connection_ended() -> Message:
    return Message("voice.connection_ended")


def encryption_required() -> Message:
    return Message("voice.encryption_required")


def connected_too_often() -> Message:
    return Message("voice.connected_too_often")


def connection_lost() -> Message:
    return Message("voice.connection_lost")


def removed_from_channel() -> Message:
    return Message("voice.removed_from_channel")


def channel_deleted() -> Message:
    return Message("voice.channel_deleted")


def skipped() -> Message:
    return Message("voice.skipped")


def nothing_to_skip() -> Message:
    return Message("voice.nothing_to_skip")


def stopped() -> Message:
    return Message("voice.stopped")


def nothing_to_stop() -> Message:
    return Message("voice.nothing_to_stop")


def not_your_utterance(member: str) -> Message:
    return Message("voice.not_your_utterance", {"member": member})


def queue_full(most: int) -> Message:
    return Message("voice.queue_full", {"most": most})


def queue_empty() -> Message:
    return Message("voice.queue_empty")


def queue_current(member: str, title: Message, remaining: Message) -> Message:
    return Message("voice.queue_current", {"member": member, "title": title, "remaining": remaining})


def queue_waiting(number: int, member: str, title: Message, remaining: Message) -> Message:
    return Message("voice.queue_waiting", {"number": number, "member": member, "title": title, "remaining": remaining})


def queue_title(title: str) -> Message:
    return Message("voice.queue_title", {"title": title})


def queue_hidden_title() -> Message:
    return Message("voice.queue_hidden_title")


def seconds_remaining(seconds: int) -> Message:
    return Message("voice.seconds_remaining", {"seconds": seconds})


def minutes_remaining(minutes: int, seconds: int) -> Message:
    return Message("voice.minutes_remaining", {"minutes": minutes, "seconds": seconds})


def unknown_remaining() -> Message:
    return Message("voice.unknown_remaining")


def settings(voice: str, speed: float) -> Message:
    return Message("voice.settings", {"voice": voice, "speed": speed})


def reads_channel(channel: str) -> Message:
    return Message("voice.reads_channel", {"channel": channel})


def reads_no_channel(change: Literal["now", "before"]) -> Message:
    return Message("voice.reads_no_channel", {"change": change})


def message_content_disabled() -> Message:
    return Message("voice.message_content_disabled")
