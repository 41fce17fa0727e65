"""Errors as Discord answers them, with its status, code and message."""

from collections.abc import Mapping
from typing import Any

from sandbox.json_object import Json

ErrorTree = Mapping[str, Any]  # Any: nested mappings that end in {"_errors": [...]}, as Discord nests them


class DiscordError(Exception):
    """An error response with Discord's status, code and message."""

    def __init__(self, status: int, code: int, message: str, errors: ErrorTree | None = None) -> None:
        super().__init__(f"{status} ({code}): {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors

    def body(self) -> Json:
        """Return the JSON body of the response."""
        body: Json = {"message": self.message, "code": self.code}
        if self.errors is not None:
            body["errors"] = self.errors
        return body


def unauthorized() -> DiscordError:
    """No bot token, or a wrong one."""
    return DiscordError(401, 0, "401: Unauthorized")


def not_found() -> DiscordError:
    """No such route."""
    return DiscordError(404, 0, "404: Not Found")


def unknown_channel() -> DiscordError:
    """No such channel."""
    return DiscordError(404, 10003, "Unknown Channel")


def unknown_guild() -> DiscordError:
    """No such guild, or the bot is not in it."""
    return DiscordError(404, 10004, "Unknown Guild")


def unknown_member() -> DiscordError:
    """No such member of the guild or thread."""
    return DiscordError(404, 10007, "Unknown Member")


def unknown_message() -> DiscordError:
    """No such message, or it is deleted or ephemeral."""
    return DiscordError(404, 10008, "Unknown Message")


def unknown_user() -> DiscordError:
    """No such user."""
    return DiscordError(404, 10013, "Unknown User")


def unknown_webhook() -> DiscordError:
    """An unknown webhook token, or that of an interaction without a first response."""
    return DiscordError(404, 10015, "Unknown Webhook")


def unknown_interaction() -> DiscordError:
    """No such interaction, or its deadline has passed."""
    return DiscordError(404, 10062, "Unknown interaction")


def unknown_command() -> DiscordError:
    """No application command with that id."""
    return DiscordError(404, 10063, "Unknown application command")


def no_entry_point() -> DiscordError:
    """A bulk update without the Entry Point command."""
    return DiscordError(400, 50240, "You cannot remove this app's Entry Point command in a bulk update operation.")


def already_acknowledged() -> DiscordError:
    """A second first response."""
    return DiscordError(400, 40060, "Interaction has already been acknowledged.")


def expired_token() -> DiscordError:
    """An interaction's token after its fifteen minutes."""
    return DiscordError(401, 50027, "Invalid Webhook Token")


def missing_access() -> DiscordError:
    """The bot cannot see the channel."""
    return DiscordError(403, 50001, "Missing Access")


def missing_permissions() -> DiscordError:
    """The bot sees the channel, but lacks a permission."""
    return DiscordError(403, 50013, "Missing Permissions")


def wrong_channel_type() -> DiscordError:
    """Not possible for this type of channel."""
    return DiscordError(400, 50024, "Cannot execute action on this channel type")


def foreign_message() -> DiscordError:
    """An edit of another author's message."""
    return DiscordError(403, 50005, "Cannot edit a message authored by another user")


def empty_message() -> DiscordError:
    """A message without any content."""
    return DiscordError(400, 50006, "Cannot send an empty message")


def too_large() -> DiscordError:
    """A file, or the whole request, over the limit."""
    return DiscordError(413, 40005, "Request entity too large")


def too_many_attachments() -> DiscordError:
    """More than ten files in one message."""
    return DiscordError(400, 30015, "Maximum number of attachments in a message reached (10)")


def invalid_json() -> DiscordError:
    """A body with invalid JSON."""
    return DiscordError(400, 50109, "The request body contains invalid JSON.")


def invalid_form(path: str, code: str, message: str) -> DiscordError:
    """An invalid field.

    Args:
        path: the field's path in the body: `data.content`, `0.options.2.name`.
        code: Discord's error code, such as `BASE_TYPE_MAX_LENGTH`.
        message: Discord's message.
    """
    tree: Json = {"_errors": [{"code": code, "message": message}]}
    for step in reversed([step for step in path.split(".") if step]):
        tree = {step: tree}
    return DiscordError(400, 50035, "Invalid Form Body", tree)


def too_long(path: str, limit: int) -> DiscordError:
    """A text or list over its limit."""
    return invalid_form(path, "BASE_TYPE_MAX_LENGTH", f"Must be {limit} or fewer in length.")


def bad_length(path: str, low: int, high: int) -> DiscordError:
    """A text or list outside its limits."""
    return invalid_form(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")


def bad_type(path: str, wanted: str) -> DiscordError:
    """A value of the wrong JSON type."""
    return invalid_form(path, "BASE_TYPE_BAD_TYPE", f"Must be {wanted}.")


def bad_choice(path: str, allowed: object) -> DiscordError:
    """A value that is not one of the allowed ones."""
    return invalid_form(path, "BASE_TYPE_CHOICES", f"Value must be one of {allowed}.")


def required(path: str) -> DiscordError:
    """A missing required field."""
    return invalid_form(path, "BASE_TYPE_REQUIRED", "This field is required")


def prefix_path(refusal: DiscordError, path: str) -> DiscordError:
    """Return a form error with a prefix for its paths, for a body inside another."""
    if refusal.errors is None:
        return refusal
    tree: ErrorTree = refusal.errors
    for step in reversed(path.split(".")):
        tree = {step: tree}
    return DiscordError(refusal.status, refusal.code, refusal.message, tree)
