"""Sentences of the menu of a message, and of the form that it opens."""

from bot.messages.message import Message


def form_title() -> Message:
    return Message("context_menus.form_title")


def question_label() -> Message:
    return Message("context_menus.question_label")


def visibility_label() -> Message:
    return Message("context_menus.visibility_label")


def visible_to_everyone() -> Message:
    return Message("context_menus.visible_to_everyone")


def visible_to_me() -> Message:
    return Message("context_menus.visible_to_me")


def nothing_to_read() -> Message:
    return Message("context_menus.nothing_to_read")


def message_not_remembered(menu: str) -> Message:
    return Message("context_menus.message_not_remembered", {"menu": menu})
