"""Sentences about the settings of channels and servers (`/channel`, `/server`) and the models to choose from."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from bot.messages.message import Message

Scope: TypeAlias = Literal["channel", "server"]
Source: TypeAlias = Literal["channel", "server", "operator"]
"""Whose setting it is that applies."""


def chat_model() -> Message:
    return Message("settings.chat_model")


def speech_model() -> Message:
    return Message("settings.speech_model")


def image_model() -> Message:
    return Message("settings.image_model")


def persona() -> Message:
    return Message("settings.persona")


def read_channel() -> Message:
    return Message("settings.read_channel")


def model_set(scope: Scope, setting: Message, model: str) -> Message:
    return Message("settings.model_set", {"scope": scope, "setting": setting, "model": model})


def persona_set(scope: Scope) -> Message:
    return Message("settings.persona_set", {"scope": scope})


def form_title(scope: Scope) -> Message:
    return Message("settings.form_title", {"scope": scope})


def form_label() -> Message:
    return Message("settings.form_label")


def heading(scope: Scope) -> Message:
    return Message("settings.heading", {"scope": scope})


def model_entry(setting: Message, model: str, source: Source) -> Message:
    return Message("settings.model_entry", {"setting": setting, "model": model, "source": source})


def model_entry_of_next_level(setting: Message, model: str, source: Source, unusable: str) -> Message:
    return Message(
        "settings.model_entry_of_next_level",
        {"setting": setting, "model": model, "source": source, "unusable": unusable},
    )


def persona_entry(source: Source) -> Message:
    return Message("settings.persona_entry", {"source": source})


def read_channel_entry(channel: str) -> Message:
    return Message("settings.read_channel_entry", {"channel": channel})


def reset(scope: Scope, settings: Sequence[Message]) -> Message:
    return Message("settings.reset", {"scope": scope, "settings": settings})


def nothing_to_reset(scope: Scope) -> Message:
    return Message("settings.nothing_to_reset", {"scope": scope})


def no_channel_read_any_more() -> Message:
    return Message("settings.no_channel_read_any_more")


def chat_models() -> Message:
    return Message("settings.chat_models")


def speech_models() -> Message:
    return Message("settings.speech_models")


def image_models() -> Message:
    return Message("settings.image_models")


def list_entry(model: str) -> Message:
    return Message("settings.list_entry", {"model": model})


def list_goes_on() -> Message:
    return Message("settings.list_goes_on")


def none_found() -> Message:
    return Message("settings.none_found")


def not_a_chat_model() -> Message:
    return Message("settings.not_a_chat_model")


def not_a_speech_model() -> Message:
    return Message("settings.not_a_speech_model")


def not_an_image_model() -> Message:
    return Message("settings.not_an_image_model")


def list_unknown() -> Message:
    return Message("settings.list_unknown")


def not_allowed() -> Message:
    return Message("settings.not_allowed")
