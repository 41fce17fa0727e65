"""What travels between the stand-in and a bot: JSON values and Discord's way of refusing."""

from collections.abc import Mapping
from typing import Any

from sandbox.json_object import Json

ErrorTree = Mapping[str, Any]  # Any: nested mappings that end in {"_errors": [...]}, as Discord nests them


class DiscordError(Exception):
    """A request turned down, with Discord's own status, code and message."""

    def __init__(self, status: int, code: int, message: str, errors: ErrorTree | None = None) -> None:
        super().__init__(f"{status} ({code}): {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors

    def body(self) -> Json:
        """The JSON body of the answer."""
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
    """No such channel in this world."""
    return DiscordError(404, 10003, "Unknown Channel")


def unknown_guild() -> DiscordError:
    """No such guild, or the bot is not in it."""
    return DiscordError(404, 10004, "Unknown Guild")


def unknown_member() -> DiscordError:
    """Nobody of that id is in the guild or the thread."""
    return DiscordError(404, 10007, "Unknown Member")


def unknown_message() -> DiscordError:
    """No such message here, deleted, or not for these eyes."""
    return DiscordError(404, 10008, "Unknown Message")


def unknown_user() -> DiscordError:
    """No such user."""
    return DiscordError(404, 10013, "Unknown User")


def unknown_webhook() -> DiscordError:
    """A webhook route with a token that leads nowhere (yet)."""
    return DiscordError(404, 10015, "Unknown Webhook")


def unknown_interaction() -> DiscordError:
    """An interaction that never was, or was not acknowledged in time."""
    return DiscordError(404, 10062, "Unknown interaction")


def unknown_command() -> DiscordError:
    """No application command with that id."""
    return DiscordError(404, 10063, "Unknown application command")


def no_entry_point() -> DiscordError:
    """A list of all commands that leaves out the activity's."""
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
    """The bot sees the channel and may not do this in it."""
    return DiscordError(403, 50013, "Missing Permissions")


def wrong_channel_type() -> DiscordError:
    """Something that a channel of this type does not have."""
    return DiscordError(400, 50024, "Cannot execute action on this channel type")


def foreign_message() -> DiscordError:
    """An edit of somebody else's message."""
    return DiscordError(403, 50005, "Cannot edit a message authored by another user")


def empty_message() -> DiscordError:
    """Nothing would be shown."""
    return DiscordError(400, 50006, "Cannot send an empty message")


def too_large() -> DiscordError:
    """A file, or the whole request, over the limit."""
    return DiscordError(413, 40005, "Request entity too large")


def too_many_attachments() -> DiscordError:
    """More than ten files in one message."""
    return DiscordError(400, 30015, "Maximum number of attachments in a message reached (10)")


def invalid_json() -> DiscordError:
    """A body that says it is JSON and is not."""
    return DiscordError(400, 50109, "The request body contains invalid JSON.")


def invalid_form(path: str, code: str, message: str) -> DiscordError:
    """A field that is not what it has to be.

    Args:
        path: the field's place in the body, its steps joined by dots: `data.content`, `0.options.2.name`.
        code: Discord's word for the fault, such as `BASE_TYPE_MAX_LENGTH`.
        message: Discord's sentence for it.
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
    """A value that is not among those that may stand here."""
    return invalid_form(path, "BASE_TYPE_CHOICES", f"Value must be one of {allowed}.")


def required(path: str) -> DiscordError:
    """A field that has to be there."""
    return invalid_form(path, "BASE_TYPE_REQUIRED", "This field is required")


def prefix_path(refusal: DiscordError, path: str) -> DiscordError:
    """Move a form fault one or more steps down, for bodies that lie inside another."""
    if refusal.errors is None:
        return refusal
    tree: ErrorTree = refusal.errors
    for step in reversed(path.split(".")):
        tree = {step: tree}
    return DiscordError(refusal.status, refusal.code, refusal.message, tree)
