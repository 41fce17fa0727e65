"""Endpoints of an interaction's messages after the first response, authorized by its token."""

from collections.abc import Iterator

from sandbox.discord import serializers
from sandbox.discord.allowed_mentions import USERS_ONLY
from sandbox.discord.errors import unknown_channel, unknown_message
from sandbox.discord.http.endpoints import NO_CONTENT, Endpoint, Request, Response
from sandbox.discord.interactions import Interaction, InteractionRegistry
from sandbox.discord.message_service import MessageService
from sandbox.discord.messages import Message, MessageFlag
from sandbox.discord.state import DiscordState
from sandbox.discord.validation.message import CREATE_FLAGS, EDIT_FLAGS, parse_message_body

HOOK = "/webhooks/{webhook_id}/{webhook_token}"
ORIGINAL = HOOK + "/messages/@original"
MESSAGE = HOOK + "/messages/{message_id}"


class WebhookRoutes:
    """Endpoints under `/webhooks`."""

    def __init__(self, state: DiscordState, interactions: InteractionRegistry, message_service: MessageService) -> None:
        self._state = state
        self._interactions = interactions
        self._message_service = message_service

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints of this file; all share one bucket per token."""
        for method, template, handler in (
            ("POST", HOOK, self.follow_up),
            ("GET", ORIGINAL, self.get_message),
            ("PATCH", ORIGINAL, self.edit_message),
            ("DELETE", ORIGINAL, self.delete_message),
            ("GET", MESSAGE, self.get_message),
            ("PATCH", MESSAGE, self.edit_message),
            ("DELETE", MESSAGE, self.delete_message),
        ):
            yield Endpoint(method, template, handler, "interaction.webhook", ("webhook_token",), open=True, exempt=True)

    async def follow_up(self, request: Request) -> Response:
        """Create a follow-up; right after a deferral it replaces "thinking…", as at Discord."""
        interaction = self._interaction(request)
        if self._state.channel(interaction.channel.id) is None:
            raise unknown_channel()
        message_body = parse_message_body(
            request.body,
            request.uploads,
            flags=int(CREATE_FLAGS | MessageFlag.EPHEMERAL),
            file_limit=self._state.attachment_size_limit,
        )
        waiting = interaction.original
        if waiting is not None and waiting.loading and not waiting.deleted:
            message = self._message_service.edit(waiting, message_body, fallback=USERS_ONLY, interaction=interaction)
        else:
            message = self._message_service.create(
                interaction.channel, self._state.bot, message_body, fallback=USERS_ONLY, interaction=interaction
            )
            interaction.follow_ups.append(message)
            interaction.changed.notify()
        return Response(200, serializers.message(message, self._state)) if request.flag("wait") else NO_CONTENT

    async def get_message(self, request: Request) -> Response:
        """Return a message of the interaction, also an ephemeral one."""
        return Response(200, serializers.message(self._message(self._interaction(request), request), self._state))

    async def edit_message(self, request: Request) -> Response:
        """Edit a message of the interaction."""
        interaction = self._interaction(request)
        message = self._message(interaction, request)
        message_body = parse_message_body(
            request.body,
            request.uploads,
            flags=int(EDIT_FLAGS) | message.flags,
            file_limit=self._state.attachment_size_limit,
        )
        self._message_service.edit(message, message_body, fallback=USERS_ONLY, interaction=interaction)
        return Response(200, serializers.message(message, self._state))

    async def delete_message(self, request: Request) -> Response:
        """Delete a message of the interaction."""
        interaction = self._interaction(request)
        self._message_service.delete(self._message(interaction, request), interaction)
        return NO_CONTENT

    def _interaction(self, request: Request) -> Interaction:
        return self._interactions.find_for_webhook(request.id("webhook_id"), request.path["webhook_token"])

    def _message(self, interaction: Interaction, request: Request) -> Message:
        own = [] if interaction.original is None else [interaction.original]
        if "message_id" in request.path:
            wanted = request.id("message_id")
            own = [message for message in (*own, *interaction.follow_ups) if message.id == wanted]
        if not own or own[0].deleted:
            raise unknown_message()
        return own[0]
