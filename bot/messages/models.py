"""Sentences about models: `/models`, and why one cannot be chosen."""

from bot.messages.message import Message


def chat_models() -> Message:
    return Message("models.chat_models")


def speech_models() -> Message:
    return Message("models.speech_models")


def image_models() -> Message:
    return Message("models.image_models")


def list_entry(model: str) -> Message:
    return Message("models.list_entry", {"model": model})


def list_goes_on() -> Message:
    return Message("models.list_goes_on")


def none_found() -> Message:
    return Message("models.none_found")


def not_a_chat_model() -> Message:
    return Message("models.not_a_chat_model")


def not_a_speech_model() -> Message:
    return Message("models.not_a_speech_model")


def not_an_image_model() -> Message:
    return Message("models.not_an_image_model")


def list_unknown() -> Message:
    return Message("models.list_unknown")


def not_allowed() -> Message:
    return Message("models.not_allowed")
