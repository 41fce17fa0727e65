"""Sentences about pronunciations: `/pronounce`."""

from bot.messages.message import Message


def no_word() -> Message:
    return Message("pronunciations.no_word")


def word_too_long(length: int, longest: int) -> Message:
    return Message("pronunciations.word_too_long", {"length": length, "longest": longest})


def nothing_to_say() -> Message:
    return Message("pronunciations.nothing_to_say")


def say_too_long(length: int, longest: int) -> Message:
    return Message("pronunciations.say_too_long", {"length": length, "longest": longest})


def too_many(most: int) -> Message:
    return Message("pronunciations.too_many", {"most": most})


def unknown() -> Message:
    return Message("pronunciations.unknown")


def added(word: str, say: str) -> Message:
    return Message("pronunciations.added", {"word": word, "say": say})


def replaced(word: str, say: str, before: str) -> Message:
    return Message("pronunciations.replaced", {"word": word, "say": say, "before": before})


def removed(word: str) -> Message:
    return Message("pronunciations.removed", {"word": word})


def list_heading() -> Message:
    return Message("pronunciations.list_heading")


def list_entry(word: str, say: str) -> Message:
    return Message("pronunciations.list_entry", {"word": word, "say": say})


def list_empty() -> Message:
    return Message("pronunciations.list_empty")


def back_button() -> Message:
    return Message("pronunciations.back_button")


def next_button() -> Message:
    return Message("pronunciations.next_button")
