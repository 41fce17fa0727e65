"""Sentences about texts that are said aloud, those that are said of them, and pronunciations (`/pronounce`)."""

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


def stopped_before_speech() -> Message:
    return Message("speech.stopped_before_speech")


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


def pronunciation_without_word() -> Message:
    return Message("speech.pronunciation_without_word")


def pronunciation_word_too_long(length: int, longest: int) -> Message:
    return Message("speech.pronunciation_word_too_long", {"length": length, "longest": longest})


def pronunciation_nothing_to_say() -> Message:
    return Message("speech.pronunciation_nothing_to_say")


def pronunciation_say_too_long(length: int, longest: int) -> Message:
    return Message("speech.pronunciation_say_too_long", {"length": length, "longest": longest})


def too_many_pronunciations(most: int) -> Message:
    return Message("speech.too_many_pronunciations", {"most": most})


def unknown_pronunciation() -> Message:
    return Message("speech.unknown_pronunciation")


def pronunciation_added(word: str, say: str) -> Message:
    return Message("speech.pronunciation_added", {"word": word, "say": say})


def pronunciation_replaced(word: str, say: str, before: str) -> Message:
    return Message("speech.pronunciation_replaced", {"word": word, "say": say, "before": before})


def pronunciation_removed(word: str) -> Message:
    return Message("speech.pronunciation_removed", {"word": word})


def pronunciation_list_heading() -> Message:
    return Message("speech.pronunciation_list_heading")


def pronunciation_list_entry(word: str, say: str) -> Message:
    return Message("speech.pronunciation_list_entry", {"word": word, "say": say})


def pronunciation_list_empty() -> Message:
    return Message("speech.pronunciation_list_empty")


def pronunciation_back_button() -> Message:
    return Message("speech.pronunciation_back_button")


def pronunciation_next_button() -> Message:
    return Message("speech.pronunciation_next_button")
