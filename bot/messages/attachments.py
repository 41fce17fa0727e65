"""Sentences about files that members attach."""

from bot.messages.message import Message


def unreadable_type(name: str) -> Message:
    return Message("attachments.unreadable_type", {"name": name})


def image_too_large(name: str, megabytes: int, megapixels: int) -> Message:
    return Message("attachments.image_too_large", {"name": name, "megabytes": megabytes, "megapixels": megapixels})


def text_too_large(name: str, kilobytes: int) -> Message:
    return Message("attachments.text_too_large", {"name": name, "kilobytes": kilobytes})


def too_many_images(most: int) -> Message:
    return Message("attachments.too_many_images", {"most": most})


def too_much_text(kilobytes: int) -> Message:
    return Message("attachments.too_much_text", {"kilobytes": kilobytes})


def download_failed() -> Message:
    return Message("attachments.download_failed")


def file_too_large(megabytes: float) -> Message:
    return Message("attachments.file_too_large", {"megabytes": megabytes})


def file_download_failed() -> Message:
    return Message("attachments.file_download_failed")
