"""Creating, editing and deleting messages, dispatched to the gateway."""

import io
import mimetypes
import re
import warnings
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

from sandbox.discord.allowed_mentions import ANYONE, AllowedMentions, find_pings, parse_allowed_mentions
from sandbox.discord.entities import Channel, User
from sandbox.discord.errors import empty_message, invalid_form, too_many_attachments, unknown_message
from sandbox.discord.interaction_serializers import interaction_metadata
from sandbox.discord.interactions import Interaction
from sandbox.discord.messages import Attachment, Message, MessageFlag, Pings
from sandbox.discord.state import DiscordState
from sandbox.discord.validation.components import validate_components
from sandbox.discord.validation.embeds import validate_embeds
from sandbox.discord.validation.message import ABSENT, EDIT_FLAGS, MOST_ATTACHMENTS, MessageBody, Upload

Announce = Callable[[str, Message], None]
"""Dispatches `MESSAGE_CREATE`, `MESSAGE_UPDATE` or `MESSAGE_DELETE` for a message."""

DEFAULT, REPLY, COMMAND_ANSWER = 0, 19, 20


class MessageService:
    """Applies validated bodies to messages."""

    def __init__(self, state: DiscordState, announce: Announce) -> None:
        self.origin = ""
        """The base of attachment URLs; set when the server listens."""
        self._state = state
        self._announce = announce

    def create(
        self,
        channel: Channel,
        author: User,
        message_body: MessageBody,
        *,
        fallback: AllowedMentions,
        interaction: Interaction | None = None,
        flags: int = 0,
    ) -> Message:
        """Return a new message, or the earlier one with the same enforced nonce.

        Args:
            fallback: which mentions notify if the body does not say.
            interaction: the interaction that it responds to.
            flags: flags in addition to the body's.

        Raises:
            DiscordError: the message is empty, or has too many attachments.
        """
        earlier = self._find_same_nonce(channel, author, message_body)
        if earlier is not None:
            return earlier
        message = self._build_message(channel, author, message_body)
        message.flags |= flags
        if interaction is not None:
            _set_interaction(message, interaction)
        message.attachments = self._attachments(message, message_body)
        if not message.loading:
            _validate_message(message)
            self._set_mentions(
                message, parse_allowed_mentions(message_body.body, fallback), replying=interaction is None
            )
        message.record(message.created_at)
        self._state.messages.setdefault(channel.id, []).append(message)
        channel.last_message_id = message.id
        self._dispatch_change("MESSAGE_CREATE", message, interaction)
        return message

    def edit(
        self,
        message: Message,
        message_body: MessageBody,
        *,
        fallback: AllowedMentions,
        interaction: Interaction | None = None,
    ) -> Message:
        """Change a message and return it; fields that the body does not have stay.

        Raises:
            DiscordError: the message would be empty, or have too many attachments.
        """
        allowed = parse_allowed_mentions(message_body.body, fallback)
        edited = replace(message)
        edited.attachments = self._attachments(message, message_body)
        if message_body.content is not ABSENT:
            edited.content = message_body.content or ""
        if message_body.embeds is not ABSENT:
            edited.embeds = message_body.embeds
        if message_body.components is not ABSENT:
            edited.components = message_body.components
        if message_body.flags is not ABSENT:
            kept = message.flags & ~MessageFlag.SUPPRESS_EMBEDS  # all other flags stay
            edited.flags = kept | message_body.flags & EDIT_FLAGS
        edited.flags &= ~MessageFlag.LOADING
        _validate_message(edited)
        was_loading = message.loading
        message.content, message.flags = edited.content, edited.flags
        message.attachments, message.embeds, message.components = edited.attachments, edited.embeds, edited.components
        if message_body.content is not ABSENT:
            self._set_mentions(message, allowed, replying=False)
        now = self._state.now()
        if not was_loading:
            message.edited_at = now
        message.record(now)
        self._dispatch_change("MESSAGE_UPDATE", message, interaction)
        return message

    def delete(self, message: Message, interaction: Interaction | None = None) -> None:
        """Delete a message."""
        message.deleted = True
        self._dispatch_change("MESSAGE_DELETE", message, interaction)

    def post(self, channel: Channel, author: User, text: str, *, reply_to: int | None = None) -> Message:
        """Return a new message of any author, such as a webhook or another bot."""
        return self.create(channel, author, MessageBody({}, content=text, reply_to=reply_to), fallback=ANYONE)

    def upload(self, channel: Channel, upload: Upload) -> Attachment:
        """Return a stored upload that belongs to no message: the value of a command's option."""
        return self._store_upload(upload, channel.id, None, ephemeral=True)

    def _build_message(self, channel: Channel, author: User, message_body: MessageBody) -> Message:
        return Message(
            id=self._state.snowflakes.next(),
            channel_id=channel.id,
            author=author,
            content=message_body.content if isinstance(message_body.content, str) else "",
            created_at=self._state.now(),
            type=REPLY if message_body.reply_to is not None else DEFAULT,
            guild_id=channel.guild_id,
            flags=0 if message_body.flags is ABSENT else message_body.flags,
            embeds=[] if message_body.embeds is ABSENT else message_body.embeds,
            components=[] if message_body.components is ABSENT else message_body.components,
            nonce=message_body.nonce,
            reply_to=message_body.reply_to,
        )

    def _dispatch_change(self, name: str, message: Message, interaction: Interaction | None) -> None:
        if not message.ephemeral:
            self._announce(name, message)
        self._state.changed.notify()
        if interaction is not None:
            interaction.changed.notify()

    def _find_same_nonce(self, channel: Channel, author: User, message_body: MessageBody) -> Message | None:
        if not message_body.enforce_nonce or message_body.nonce is None:
            return None
        recent = self._state.messages.get(channel.id, [])[-50:]
        return next((each for each in recent if each.nonce == message_body.nonce and each.author is author), None)

    def _set_mentions(self, message: Message, allowed: AllowedMentions, *, replying: bool) -> None:
        found = find_pings(message.content, allowed)
        known = frozenset(each for each in found.users if each in self._state.users)
        message.mentions = Pings(known, found.roles, found.everyone)
        if replying and message.reply_to is not None and allowed.replied_user:
            target = self._state.message(message.channel_id, message.reply_to)
            # Responses to interactions belong to a webhook, and a reply to a webhook notifies no one.
            if target is not None and target.interaction_id is None:
                message.mentions |= Pings(frozenset([target.author.id]))
        message.pinged |= message.mentions

    def _attachments(self, message: Message, message_body: MessageBody) -> list[Attachment]:
        """Return the message's attachments after the body is applied."""
        uploads = {upload.part: upload for upload in message_body.uploads}
        before = {attachment.id: attachment for attachment in message.attachments}
        if message_body.attachments is ABSENT:
            kept = [*message.attachments]
        else:
            kept = []
            for entry in message_body.attachments:
                upload = uploads.pop(entry.id, None)
                if upload is not None:
                    named = replace(upload, filename=entry.filename or upload.filename)
                    kept.append(self._store_attachment(message, named, entry.description))
                elif entry.id in before:
                    old = before[entry.id]
                    kept.append(old if entry.description is None else replace(old, description=entry.description))
                else:
                    raise unknown_message()
        kept.extend(self._store_attachment(message, upload, None) for upload in uploads.values())
        if len(kept) > MOST_ATTACHMENTS:
            raise too_many_attachments()
        return kept

    def _store_attachment(self, message: Message, upload: Upload, description: str | None) -> Attachment:
        return self._store_upload(upload, message.channel_id, description, ephemeral=message.ephemeral)

    def _store_upload(self, upload: Upload, channel_id: int, description: str | None, *, ephemeral: bool) -> Attachment:
        attachment_id = self._state.snowflakes.next()
        filename = re.sub(r"[^\w.\-]+", "_", upload.filename) or "unknown"
        media_type = mimetypes.guess_type(filename)[0] or "application/octet-stream"
        width, height = _dimensions(upload.data) if media_type.startswith("image/") else (None, None)
        stored = Attachment(
            attachment_id,
            filename,
            upload.data,
            media_type,
            f"{self.origin}/attachments/{channel_id}/{attachment_id}/{quote(filename)}",
            description,
            width,
            height,
            ephemeral,
        )
        self._state.attachments[attachment_id] = stored
        return stored


def _set_interaction(message: Message, interaction: Interaction) -> None:
    """Set what a message has as an interaction's response or follow-up."""
    message.type = COMMAND_ANSWER if interaction.original is None else REPLY
    message.interaction_id = interaction.id
    message.interaction_metadata = interaction_metadata(interaction)
    message.command_name = interaction.command_name
    message.invoker = interaction.user
    message.reply_to = None if interaction.original is None else interaction.original.id
    if interaction.command_name is None and message.type == COMMAND_ANSWER:
        message.type = DEFAULT


def _validate_message(message: Message) -> None:
    """Validate what depends on several fields."""
    if not (message.content or message.attachments or message.embeds or message.components):
        raise empty_message()
    v2 = bool(message.flags & MessageFlag.IS_COMPONENTS_V2)
    if v2 and (message.content or message.embeds):
        raise invalid_form(
            "content" if message.content else "embeds",
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
            "The message cannot have content or embeds together with IS_COMPONENTS_V2",
        )
    validate_embeds(message.embeds)
    validate_components(message.components, v2=v2)


def _dimensions(data: bytes) -> tuple[int | None, int | None]:
    """Return width and height in pixels from an image's header; None for other files."""
    from PIL import Image  # slow to import, and only needed for images

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data)) as image:
            return image.size
    except Exception:
        # Pillow raises various errors for broken images, and Discord accepts any file.
        return None, None
