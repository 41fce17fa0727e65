"""What follows a first response: edits, follow-ups and deletes, by the interaction's token alone."""

from collections.abc import Iterator

from sandbox.discord import serializers
from sandbox.discord.allowed_mentions import USERS_ONLY
from sandbox.discord.errors import unknown_channel, unknown_message
from sandbox.discord.http.endpoints import NO_CONTENT, Answer, Call, Endpoint
from sandbox.discord.interactions import Interaction, InteractionDesk
from sandbox.discord.message_service import Postbox
from sandbox.discord.messages import Message, MessageFlag
from sandbox.discord.state import World
from sandbox.discord.validation.message import CREATE_FLAGS, EDIT_FLAGS, read_draft

HOOK = "/webhooks/{webhook_id}/{webhook_token}"
ORIGINAL = HOOK + "/messages/@original"
MESSAGE = HOOK + "/messages/{message_id}"


class WebhookRoutes:
    """Endpoints under `/webhooks`."""

    def __init__(self, world: World, desk: InteractionDesk, postbox: Postbox) -> None:
        self._world = world
        self._desk = desk
        self._postbox = postbox

    def endpoints(self) -> Iterator[Endpoint]:
        """Every endpoint of this file. All of them share one bucket per token."""
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

    async def follow_up(self, call: Call) -> Answer:
        """Post a further message; straight after a deferral it takes the place of "thinking…", as at Discord."""
        interaction = self._interaction(call)
        if self._world.channel(interaction.channel.id) is None:
            raise unknown_channel()
        draft = read_draft(
            call.body,
            call.uploads,
            flags=int(CREATE_FLAGS | MessageFlag.EPHEMERAL),
            file_limit=self._world.attachment_size_limit,
        )
        waiting = interaction.original
        if waiting is not None and waiting.loading and not waiting.deleted:
            message = self._postbox.edit(waiting, draft, fallback=USERS_ONLY, interaction=interaction)
        else:
            message = self._postbox.create(
                interaction.channel, self._world.bot, draft, fallback=USERS_ONLY, interaction=interaction
            )
            interaction.follow_ups.append(message)
            interaction.bell.ring()
        return Answer(200, serializers.message(message, self._world)) if call.flag("wait") else NO_CONTENT

    async def get_message(self, call: Call) -> Answer:
        """One of the interaction's messages, ephemeral ones included."""
        return Answer(200, serializers.message(self._message(self._interaction(call), call), self._world))

    async def edit_message(self, call: Call) -> Answer:
        """Change one of the interaction's messages."""
        interaction = self._interaction(call)
        message = self._message(interaction, call)
        draft = read_draft(
            call.body, call.uploads, flags=int(EDIT_FLAGS) | message.flags, file_limit=self._world.attachment_size_limit
        )
        self._postbox.edit(message, draft, fallback=USERS_ONLY, interaction=interaction)
        return Answer(200, serializers.message(message, self._world))

    async def delete_message(self, call: Call) -> Answer:
        """Take one of the interaction's messages away."""
        interaction = self._interaction(call)
        self._postbox.delete(self._message(interaction, call), interaction)
        return NO_CONTENT

    def _interaction(self, call: Call) -> Interaction:
        return self._desk.to_follow_up(call.id("webhook_id"), call.path["webhook_token"])

    def _message(self, interaction: Interaction, call: Call) -> Message:
        own = [] if interaction.original is None else [interaction.original]
        if "message_id" in call.path:
            wanted = call.id("message_id")
            own = [message for message in (*own, *interaction.follow_ups) if message.id == wanted]
        if not own or own[0].deleted:
            raise unknown_message()
        return own[0]
