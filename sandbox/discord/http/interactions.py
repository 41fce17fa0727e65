"""The endpoint for first responses to interactions."""

from collections.abc import Iterator

from sandbox.discord import serializers
from sandbox.discord.allowed_mentions import USERS_ONLY
from sandbox.discord.errors import (
    DiscordError,
    bad_choice,
    bad_length,
    bad_type,
    invalid_form,
    prefix_path,
    required,
    too_long,
)
from sandbox.discord.http.endpoints import NO_CONTENT, Endpoint, Request, Response
from sandbox.discord.interactions import CallbackType, Interaction, InteractionRegistry, InteractionType
from sandbox.discord.message_service import MessageService
from sandbox.discord.messages import Message, MessageFlag
from sandbox.discord.state import DiscordState
from sandbox.discord.validation.commands import validate_choice
from sandbox.discord.validation.message import CREATE_FLAGS, EDIT_FLAGS, parse_message_body
from sandbox.discord.validation.modals import validate_modal_fields
from sandbox.json_object import Json

MOST_CHOICES = 25
MOST_MODAL_ITEMS = 5

PERMITTED: dict[InteractionType, frozenset[CallbackType]] = {
    InteractionType.COMMAND: frozenset({CallbackType.MESSAGE, CallbackType.DEFERRED_MESSAGE, CallbackType.MODAL}),
    InteractionType.COMPONENT: frozenset(CallbackType) - {CallbackType.AUTOCOMPLETE},
    InteractionType.AUTOCOMPLETE: frozenset({CallbackType.AUTOCOMPLETE}),
    InteractionType.MODAL: frozenset(CallbackType) - {CallbackType.AUTOCOMPLETE, CallbackType.MODAL},
}


class InteractionRoutes:
    """The endpoint under `/interactions`."""

    def __init__(self, state: DiscordState, interactions: InteractionRegistry, message_service: MessageService) -> None:
        self._state = state
        self._interactions = interactions
        self._message_service = message_service

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints of this file."""
        yield Endpoint(
            "POST",
            "/interactions/{interaction_id}/{interaction_token}/callback",
            self.respond,
            "interaction.callback",
            ("interaction_token",),
            open=True,
            exempt=True,
        )

    async def respond(self, request: Request) -> Response:
        """Handle a first response. An invalid one does not change the interaction."""
        interaction = self._interactions.find_for_callback(
            request.id("interaction_id"), request.path["interaction_token"]
        )
        if not isinstance(request.body, dict):
            raise bad_type("", "a dictionary")
        kind = request.body.get("type")
        if not isinstance(kind, int) or isinstance(kind, bool) or kind not in PERMITTED[interaction.type]:
            raise bad_choice("type", tuple(int(each) for each in sorted(PERMITTED[interaction.type])))
        kind = CallbackType(kind)
        data = request.body.get("data")
        if data is not None and not isinstance(data, dict):
            raise bad_type("data", "a dictionary")
        try:
            message = self._apply(kind, interaction, data or {}, request)
        except DiscordError as error:
            raise prefix_path(error, "data") from None
        self._interactions.respond(interaction, kind)
        if message is not None:
            interaction.original = message
        interaction.changed.notify()
        if not request.flag("with_response"):
            return NO_CONTENT
        return Response(200, self._build_callback_body(interaction, kind, message))

    def _apply(self, kind: CallbackType, interaction: Interaction, data: Json, request: Request) -> Message | None:
        match kind:
            case CallbackType.AUTOCOMPLETE:
                interaction.choices = _choices(interaction, data)
                return None
            case CallbackType.MODAL:
                interaction.modal = _modal(data)
                return None
            case CallbackType.DEFERRED_MESSAGE:
                return self._create_deferred(interaction, data)
            case CallbackType.MESSAGE:
                return self._create_message(interaction, data, request)
            case CallbackType.UPDATE_MESSAGE:
                return self._update_message(interaction, data, request)
            case CallbackType.DEFERRED_UPDATE:
                return interaction.message

    def _create_deferred(self, interaction: Interaction, data: Json) -> Message:
        message_body = parse_message_body(
            {"flags": data.get("flags")},
            (),
            flags=int(MessageFlag.EPHEMERAL),
            file_limit=self._state.attachment_size_limit,
        )
        return self._message_service.create(
            interaction.channel,
            self._state.bot,
            message_body,
            fallback=USERS_ONLY,
            interaction=interaction,
            flags=MessageFlag.LOADING,
        )

    def _create_message(self, interaction: Interaction, data: Json, request: Request) -> Message:
        message_body = parse_message_body(
            data,
            request.uploads,
            flags=int(CREATE_FLAGS | MessageFlag.EPHEMERAL),
            file_limit=self._state.attachment_size_limit,
        )
        return self._message_service.create(
            interaction.channel, self._state.bot, message_body, fallback=USERS_ONLY, interaction=interaction
        )

    def _update_message(self, interaction: Interaction, data: Json, request: Request) -> Message:
        if interaction.message is None:
            raise invalid_form("type", "INTERACTION_CALLBACK_INVALID", "There is no message to update")
        flags = int(EDIT_FLAGS) | interaction.message.flags
        message_body = parse_message_body(
            data, request.uploads, flags=flags, file_limit=self._state.attachment_size_limit
        )
        return self._message_service.edit(
            interaction.message, message_body, fallback=USERS_ONLY, interaction=interaction
        )

    def _build_callback_body(self, interaction: Interaction, kind: CallbackType, message: Message | None) -> Json:
        head: Json = {"id": str(interaction.id), "type": int(interaction.type)}
        if message is None:
            return {"interaction": head}
        head |= {
            "response_message_id": str(message.id),
            "response_message_loading": message.loading,
            "response_message_ephemeral": message.ephemeral,
            "channel_id": str(message.channel_id),
        }
        if message.guild_id is not None:
            head["guild_id"] = str(message.guild_id)
        if kind not in (CallbackType.MESSAGE, CallbackType.UPDATE_MESSAGE):
            return {"interaction": head}  # the OpenAPI description has no resource for a deferral
        return {
            "interaction": head,
            "resource": {"type": int(kind), "message": serializers.message(message, self._state)},
        }


def _choices(interaction: Interaction, data: Json) -> list[Json]:
    choices = data.get("choices")
    if choices is None:
        raise required("choices")
    if not isinstance(choices, list):
        raise bad_type("choices", "a list")
    if len(choices) > MOST_CHOICES:
        raise too_long("choices", MOST_CHOICES)
    kind = focused_kind(interaction.data)
    return [validate_choice(choice, kind, f"choices.{index}") for index, choice in enumerate(choices)]


def focused_kind(data: Json) -> int:
    """Return the type of the focused option; 0 for none."""
    for option in data.get("options", []):
        if option.get("focused"):
            return int(option["type"])
        nested = focused_kind(option)
        if nested:
            return nested
    return 0


def _modal(data: Json) -> Json:
    for name, most in (("title", 45), ("custom_id", 100)):
        value = data.get(name)
        if not isinstance(value, str):
            raise required(name)
        if not 1 <= len(value) <= most:
            raise bad_length(name, 1, most)
    components = data.get("components")
    if not isinstance(components, list) or not 1 <= len(components) <= MOST_MODAL_ITEMS:
        raise bad_length("components", 1, MOST_MODAL_ITEMS)
    validate_modal_fields(components)
    return data
