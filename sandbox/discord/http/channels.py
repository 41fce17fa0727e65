"""Endpoints of channels and their messages, limited by the bot's permissions."""

from collections.abc import Iterator
from dataclasses import replace

from sandbox.discord import serializers
from sandbox.discord.allowed_mentions import ANYONE
from sandbox.discord.entities import Channel
from sandbox.discord.errors import (
    bad_choice,
    foreign_message,
    invalid_form,
    missing_access,
    missing_permissions,
    unknown_channel,
    unknown_member,
    unknown_message,
    wrong_channel_type,
)
from sandbox.discord.http.endpoints import NO_CONTENT, Endpoint, Request, Response
from sandbox.discord.message_service import MessageService
from sandbox.discord.messages import Message
from sandbox.discord.permissions import Permission
from sandbox.discord.state import DiscordState
from sandbox.discord.validation.message import CREATE_FLAGS, EDIT_FLAGS, parse_message_body

MESSAGES = "/channels/{channel_id}/messages"
MESSAGE = MESSAGES + "/{message_id}"
CHANNEL = ("channel_id",)


class ChannelRoutes:
    """Endpoints under `/channels`."""

    def __init__(self, state: DiscordState, message_service: MessageService) -> None:
        self._state = state
        self._message_service = message_service

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints of this file."""
        reaction = MESSAGE + "/reactions/{emoji_name}/@me"
        yield Endpoint("GET", "/channels/{channel_id}", self.get_channel, major=CHANNEL)
        yield Endpoint("GET", "/channels/{channel_id}/thread-members/{user_id}", self.get_thread_member, major=CHANNEL)
        yield Endpoint("POST", "/channels/{channel_id}/typing", self.trigger_typing, "typing", CHANNEL)
        yield Endpoint("GET", MESSAGES, self.list_messages, major=CHANNEL)
        yield Endpoint("POST", MESSAGES, self.create_message, "message.create", CHANNEL)
        yield Endpoint("GET", MESSAGE, self.get_message, major=CHANNEL)
        yield Endpoint("PATCH", MESSAGE, self.edit_message, "message.edit", CHANNEL)
        yield Endpoint("DELETE", MESSAGE, self.delete_message, "message.delete", CHANNEL)
        yield Endpoint("PUT", reaction, self.add_reaction, "reaction", CHANNEL)
        yield Endpoint("DELETE", reaction, self.remove_reaction, "reaction", CHANNEL)

    async def get_channel(self, request: Request) -> Response:
        """Return a channel, thread or DM channel."""
        return Response(200, serializers.channel(self._channel(request), self._state))

    async def get_thread_member(self, request: Request) -> Response:
        """Return a thread member; only private threads have any here."""
        channel, user_id = self._channel(request), request.id("user_id")
        if not channel.is_thread:
            raise wrong_channel_type()
        if user_id not in channel.joined:
            raise unknown_member()
        return Response(200, serializers.thread_member(channel, user_id))

    async def trigger_typing(self, request: Request) -> Response:
        """Trigger the typing indicator."""
        channel = self._channel(request)
        self._need(channel, self._speaking(channel))
        return NO_CONTENT

    async def list_messages(self, request: Request) -> Response:
        """Return the newest messages, newest first."""
        channel = self._channel(request)
        text = request.query.get("limit", "50")
        if not text.isdecimal() or not 1 <= int(text) <= 100:
            raise bad_choice("limit", "1 to 100")
        if not self._may(channel, Permission.READ_MESSAGE_HISTORY):
            return Response(200, [])
        messages = self._state.list_visible_messages(self._state.bot, channel)
        before, after = request.query.get("before"), request.query.get("after")
        if before is not None and before.isdecimal():
            messages = [message for message in messages if message.id < int(before)]
        if after is not None and after.isdecimal():
            messages = [message for message in messages if message.id > int(after)][: int(text)]
        newest = messages[-int(text) :][::-1]
        return Response(200, [serializers.message(message, self._state) for message in newest])

    async def create_message(self, request: Request) -> Response:
        """Create a message."""
        channel = self._channel(request)
        self._need(channel, self._speaking(channel))
        message_body = parse_message_body(
            request.body, request.uploads, flags=int(CREATE_FLAGS), file_limit=self._state.attachment_size_limit
        )
        if message_body.uploads:
            self._need(channel, Permission.ATTACH_FILES)
        if message_body.reply_to is not None:
            self._need(channel, Permission.READ_MESSAGE_HISTORY)
            target = self._state.message(channel.id, message_body.reply_to)
            if target is None and not message_body.reply_required:
                message_body = replace(message_body, reply_to=None)
            elif target is None or target.ephemeral:
                raise invalid_form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        message = self._message_service.create(channel, self._state.bot, message_body, fallback=ANYONE)
        return Response(200, serializers.message(message, self._state))

    async def get_message(self, request: Request) -> Response:
        """Return one message."""
        channel = self._channel(request)
        self._need(channel, Permission.READ_MESSAGE_HISTORY)
        return Response(200, serializers.message(self._message(channel, request), self._state))

    async def edit_message(self, request: Request) -> Response:
        """Edit one of the bot's own messages."""
        channel = self._channel(request)
        message = self._message(channel, request)
        if message.author is not self._state.bot:
            raise foreign_message()
        message_body = parse_message_body(
            request.body,
            request.uploads,
            flags=int(EDIT_FLAGS) | message.flags,
            file_limit=self._state.attachment_size_limit,
        )
        if message_body.uploads:
            self._need(channel, Permission.ATTACH_FILES)
        self._message_service.edit(message, message_body, fallback=ANYONE)
        return Response(200, serializers.message(message, self._state))

    async def delete_message(self, request: Request) -> Response:
        """Delete a message: the bot's own, or any with Manage Messages."""
        channel = self._channel(request)
        message = self._message(channel, request)
        if message.author is not self._state.bot:
            self._need(channel, Permission.MANAGE_MESSAGES)
        self._message_service.delete(message)
        return NO_CONTENT

    async def add_reaction(self, request: Request) -> Response:
        """Add a reaction of the bot."""
        channel = self._channel(request)
        self._need(channel, Permission.READ_MESSAGE_HISTORY | Permission.ADD_REACTIONS)
        message = self._message(channel, request)
        message.reactions.setdefault(request.path["emoji_name"], set()).add(self._state.bot.id)
        self._state.changed.notify()
        return NO_CONTENT

    async def remove_reaction(self, request: Request) -> Response:
        """Remove a reaction of the bot."""
        channel = self._channel(request)
        message = self._message(channel, request)
        who = message.reactions.get(request.path["emoji_name"], set())
        who.discard(self._state.bot.id)
        if not who:
            message.reactions.pop(request.path["emoji_name"], None)
        self._state.changed.notify()
        return NO_CONTENT

    def _channel(self, request: Request) -> Channel:
        channel = self._state.channel(request.id("channel_id"))
        if channel is None:
            raise unknown_channel()
        if not self._may(channel, Permission.VIEW_CHANNEL):
            raise missing_access()
        return channel

    def _message(self, channel: Channel, request: Request) -> Message:
        message = self._state.message(channel.id, request.id("message_id"))
        if message is None or message.ephemeral:
            raise unknown_message()
        return message

    def _may(self, channel: Channel, wanted: int) -> bool:
        return self._state.permissions(self._state.bot, channel) & wanted == wanted

    def _need(self, channel: Channel, wanted: int) -> None:
        if not self._may(channel, wanted):
            raise missing_permissions()

    def _speaking(self, channel: Channel) -> Permission:
        return Permission.SEND_MESSAGES_IN_THREADS if channel.is_thread else Permission.SEND_MESSAGES
