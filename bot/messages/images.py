"""Sentences about image generation: `/draw` and the buttons below images."""

from collections.abc import Sequence

from bot.messages.message import Message


def empty_prompt() -> Message:
    return Message("images.empty_prompt")


def wrong_count(most: int) -> Message:
    return Message("images.wrong_count", {"most": most})


def wrong_size() -> Message:
    return Message("images.wrong_size")


def wrong_size_for_model(sizes: Sequence[str]) -> Message:
    return Message("images.wrong_size_for_model", {"sizes": sizes})


def too_large() -> Message:
    return Message("images.too_large")


def some_missing(missing: int, count: int, reason: Message) -> Message:
    return Message("images.some_missing", {"missing": missing, "count": count, "reason": reason})


def too_few_generated() -> Message:
    return Message("images.too_few_generated")


def again_button() -> Message:
    return Message("images.again_button")


def edit_prompt_button() -> Message:
    return Message("images.edit_prompt_button")


def delete_button() -> Message:
    return Message("images.delete_button")


def form_title() -> Message:
    return Message("images.form_title")


def form_label() -> Message:
    return Message("images.form_label")
