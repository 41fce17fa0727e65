"""Validation of the body of a message create or edit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from sandbox.discord.errors import (
    bad_choice,
    bad_type,
    invalid_form,
    required,
    too_large,
    too_long,
    too_many_attachments,
)
from sandbox.discord.messages import MessageFlag
from sandbox.json_object import Json

MESSAGE_LIMIT = 2000  # characters as code points, https://github.com/discord/discord-api-docs/issues/1315
MOST_ATTACHMENTS = 10
MOST_EMBEDS = 10
MOST_DESCRIPTION = 1024
REQUEST_LIMIT = 25 * 1024 * 1024  # the whole request, files included
DEFAULT_FILE_LIMIT = 10 * 1024 * 1024

CREATE_FLAGS = MessageFlag.SUPPRESS_EMBEDS | MessageFlag.SUPPRESS_NOTIFICATIONS | MessageFlag.IS_COMPONENTS_V2
EDIT_FLAGS = MessageFlag.SUPPRESS_EMBEDS | MessageFlag.IS_COMPONENTS_V2
"""The flags that an edit can change; it may include flags that are set already, which stay."""


class Absent(Enum):
    """Marks a field that is missing from the body, as opposed to null."""

    ABSENT = 0


ABSENT = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded file; `part` is the number in `files[n]`."""

    part: int
    filename: str
    data: bytes


@dataclass(frozen=True, slots=True)
class AttachmentEntry:
    """An entry of `attachments`: an existing attachment by id, or an upload by part."""

    id: int
    filename: str | None
    description: str | None


@dataclass(frozen=True, slots=True)
class MessageBody:
    """A valid body. `content` None removes it, ABSENT keeps it; `attachments` ABSENT keeps all of them."""

    body: Json
    content: str | Absent | None = ABSENT
    flags: int | Absent = ABSENT
    embeds: list[Json] | Absent = ABSENT
    components: list[Json] | Absent = ABSENT
    attachments: list[AttachmentEntry] | Absent = ABSENT
    uploads: Sequence[Upload] = field(default_factory=tuple)
    reply_to: int | None = None
    reply_required: bool = True
    nonce: str | int | None = None
    enforce_nonce: bool = False


def parse_message_body(body: object, uploads: Sequence[Upload], *, flags: int, file_limit: int) -> MessageBody:
    """Return a valid message body.

    Args:
        body: the JSON value.
        uploads: its files.
        flags: the flags that are allowed.
        file_limit: the largest file in bytes.

    Raises:
        DiscordError: it is invalid.
    """
    if body is None:
        body = {}
    if not isinstance(body, dict):
        raise bad_type("", "a dictionary")
    if sum(upload_size(upload) for upload in uploads) > REQUEST_LIMIT:
        raise too_large()
    if any(upload_size(upload) > file_limit for upload in uploads):
        raise too_large()
    if len(uploads) > MOST_ATTACHMENTS:
        raise too_many_attachments()
    return MessageBody(
        body,
        content=_content(body),
        flags=_flags(body, flags),
        embeds=_objects(body, "embeds", MOST_EMBEDS),
        components=_objects(body, "components", 40),
        attachments=_attachments(body, uploads),
        uploads=uploads,
        reply_to=_reply(body),
        reply_required=(body.get("message_reference") or {}).get("fail_if_not_exists") is not False,
        nonce=_nonce(body),
        enforce_nonce=body.get("enforce_nonce") is True,
    )


def upload_size(upload: Upload) -> int:
    """Return its size in bytes."""
    return len(upload.data)


def _content(body: Json) -> str | Absent | None:
    if "content" not in body:
        return ABSENT
    content = body["content"]
    if content is None:
        return None
    if not isinstance(content, str):
        raise bad_type("content", "string")
    if len(content) > MESSAGE_LIMIT:
        raise too_long("content", MESSAGE_LIMIT)
    return content.strip()


def _flags(body: Json, permitted: int) -> int | Absent:
    flags = body.get("flags")
    if flags is None:
        return ABSENT
    if not isinstance(flags, int) or isinstance(flags, bool):
        raise invalid_form("flags", "NUMBER_TYPE_COERCE", f'Value "{flags}" is not int.')
    if flags & ~permitted:
        raise invalid_form("flags", "BITFIELD_INVALID_FLAGS", f"Bitfield must be a subset of {permitted}")
    return flags


def _objects(body: Json, name: str, most: int) -> list[Json] | Absent:
    if name not in body:
        return ABSENT
    values = body[name]
    if values is None:
        return []
    if not isinstance(values, list):
        raise bad_type(name, "a list")
    if len(values) > most:
        raise too_long(name, most)
    for index, value in enumerate(values):
        if not isinstance(value, dict):
            raise bad_type(f"{name}.{index}", "a dictionary")
    return values


def _attachments(body: Json, uploads: Sequence[Upload]) -> list[AttachmentEntry] | Absent:
    if "attachments" not in body:
        return ABSENT
    entries = _objects(body, "attachments", MOST_ATTACHMENTS)
    parts = {upload.part for upload in uploads}
    attachments: list[AttachmentEntry] = []
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        path = f"attachments.{index}"
        if "id" not in entry:
            raise required(f"{path}.id")
        if not str(entry["id"]).isdigit():
            raise invalid_form(f"{path}.id", "NUMBER_TYPE_COERCE", f'Value "{entry["id"]}" is not snowflake.')
        number = int(entry["id"])
        if number < 1 << 22 and number not in parts:  # smaller than any id: a part's number
            raise invalid_form(path, "ATTACHMENT_NOT_FOUND", f"Attachment data not found: {number}")
        filename, description = entry.get("filename"), entry.get("description")
        if filename is not None and not isinstance(filename, str):
            raise bad_type(f"{path}.filename", "string")
        if description is not None and not isinstance(description, str):
            raise bad_type(f"{path}.description", "string")
        if description is not None and len(description) > MOST_DESCRIPTION:
            raise too_long(f"{path}.description", MOST_DESCRIPTION)
        attachments.append(AttachmentEntry(number, filename, description))
    return attachments


def _reply(body: Json) -> int | None:
    reference = body.get("message_reference")
    if reference is None:
        return None
    if not isinstance(reference, dict):
        raise bad_type("message_reference", "a dictionary")
    if reference.get("type", 0) != 0:
        raise bad_choice("message_reference.type", (0,))
    target = reference.get("message_id")
    if target is None or not re.fullmatch(r"\d+", str(target)):
        raise required("message_reference.message_id")
    return int(target)


def _nonce(body: Json) -> str | int | None:
    nonce = body.get("nonce")
    if nonce is None or (isinstance(nonce, int) and not isinstance(nonce, bool)):
        return nonce
    if not isinstance(nonce, str):
        raise bad_type("nonce", "string or integer")
    if len(nonce) > 25:
        raise too_long("nonce", 25)
    return nonce
