"""Sentences about texts that are said aloud, and those that are said of them."""

from collections.abc import Sequence

from bot.messages.message import Message


def too_long_to_speak() -> Message:
    return Message("speech.too_long_to_speak")


def too_long_to_send() -> Message:
    return Message("speech.too_long_to_send")


def only_beginning(reason: Message) -> Message:
    return Message("speech.only_beginning", {"reason": reason})


def stopped() -> Message:
    return Message("speech.stopped")


def answer_not_spoken(reason: Message) -> Message:
    return Message("speech.answer_not_spoken", {"reason": reason})


def listeners_not_allowed() -> Message:
    return Message("speech.listeners_not_allowed")


def invalid_voice(voices: Sequence[str]) -> Message:
    return Message("speech.invalid_voice", {"voices": voices})


def invalid_speed(slowest: float, fastest: float) -> Message:
    return Message("speech.invalid_speed", {"slowest": slowest, "fastest": fastest})


def spoken_message(speaker: str, text: str) -> Message:
    return Message("speech.spoken_message", {"speaker": speaker, "text": text})


def spoken_message_of_unnamed(text: str) -> Message:
    return Message("speech.spoken_message_of_unnamed", {"text": text})


def shortened_after_sentence(text: str) -> Message:
    return Message("speech.shortened_after_sentence", {"text": text})


def shortened_in_sentence(text: str) -> Message:
    return Message("speech.shortened_in_sentence", {"text": text})


def spoken_table() -> Message:
    return Message("speech.spoken_table")


def spoken_omitted_rows(count: int) -> Message:
    return Message("speech.spoken_omitted_rows", {"count": count})


def spoken_code() -> Message:
    return Message("speech.spoken_code")


def spoken_code_in(language: str) -> Message:
    return Message("speech.spoken_code_in", {"language": language})


def spoken_shell_code() -> Message:
    return Message("speech.spoken_shell_code")


def spoken_diff() -> Message:
    return Message("speech.spoken_diff")


def spoken_diagram() -> Message:
    return Message("speech.spoken_diagram")
