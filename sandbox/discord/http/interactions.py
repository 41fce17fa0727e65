"""First responses to interactions."""

from collections.abc import Iterator

from sandbox.discord import serializers
from sandbox.discord.allowed_mentions import USERS_ONLY
from sandbox.discord.errors import Refused, bad_choice, bad_length, bad_type, invalid_form, required, too_long, within
from sandbox.discord.http.endpoints import NO_CONTENT, Answer, Call, Endpoint
from sandbox.discord.interactions import CallbackType, Interaction, InteractionDesk, InteractionType
from sandbox.discord.message_service import Postbox
from sandbox.discord.messages import Message, MessageFlag
from sandbox.discord.state import World
from sandbox.discord.validation.commands import checked_choice
from sandbox.discord.validation.message import CREATE_FLAGS, EDIT_FLAGS, read_draft
from sandbox.discord.validation.modals import check_fields
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

    def __init__(self, world: World, desk: InteractionDesk, postbox: Postbox) -> None:
        self._world = world
        self._desk = desk
        self._postbox = postbox

    def endpoints(self) -> Iterator[Endpoint]:
        """Every endpoint of this file."""
        yield Endpoint(
            "POST",
            "/interactions/{interaction_id}/{interaction_token}/callback",
            self.respond,
            "interaction.callback",
            ("interaction_token",),
            open=True,
            exempt=True,
        )

    async def respond(self, call: Call) -> Answer:
        """Take the first response. A refused one leaves the interaction as it was."""
        interaction = self._desk.to_acknowledge(call.id("interaction_id"), call.path["interaction_token"])
        if not isinstance(call.body, dict):
            raise bad_type("", "a dictionary")
        kind = call.body.get("type")
        if not isinstance(kind, int) or isinstance(kind, bool) or kind not in PERMITTED[interaction.type]:
            raise bad_choice("type", tuple(int(each) for each in sorted(PERMITTED[interaction.type])))
        kind = CallbackType(kind)
        data = call.body.get("data")
        if data is not None and not isinstance(data, dict):
            raise bad_type("data", "a dictionary")
        try:
            shown = self._apply(kind, interaction, data or {}, call)
        except Refused as refusal:
            raise within(refusal, "data") from None
        self._desk.respond(interaction, kind)
        if shown is not None:
            interaction.original = shown
        interaction.bell.ring()
        if not call.flag("with_response"):
            return NO_CONTENT
        return Answer(200, self._outcome(interaction, kind, shown))

    def _apply(self, kind: CallbackType, interaction: Interaction, data: Json, call: Call) -> Message | None:
        match kind:
            case CallbackType.AUTOCOMPLETE:
                interaction.choices = _choices(interaction, data)
                return None
            case CallbackType.MODAL:
                interaction.modal = _modal(data)
                return None
            case CallbackType.DEFERRED_MESSAGE:
                return self._deferred(interaction, data)
            case CallbackType.MESSAGE:
                return self._message(interaction, data, call)
            case CallbackType.UPDATE_MESSAGE:
                return self._update(interaction, data, call)
            case CallbackType.DEFERRED_UPDATE:
                return interaction.message

    def _deferred(self, interaction: Interaction, data: Json) -> Message:
        draft = read_draft(
            {"flags": data.get("flags")},
            (),
            flags=int(MessageFlag.EPHEMERAL),
            file_limit=self._world.attachment_size_limit,
        )
        return self._postbox.create(
            interaction.channel,
            self._world.bot,
            draft,
            fallback=USERS_ONLY,
            interaction=interaction,
            flags=MessageFlag.LOADING,
        )

    def _message(self, interaction: Interaction, data: Json, call: Call) -> Message:
        draft = read_draft(
            data,
            call.uploads,
            flags=int(CREATE_FLAGS | MessageFlag.EPHEMERAL),
            file_limit=self._world.attachment_size_limit,
        )
        return self._postbox.create(
            interaction.channel, self._world.bot, draft, fallback=USERS_ONLY, interaction=interaction
        )

    def _update(self, interaction: Interaction, data: Json, call: Call) -> Message:
        if interaction.message is None:
            raise invalid_form("type", "INTERACTION_CALLBACK_INVALID", "There is no message to update")
        flags = int(EDIT_FLAGS) | interaction.message.flags
        draft = read_draft(data, call.uploads, flags=flags, file_limit=self._world.attachment_size_limit)
        return self._postbox.edit(interaction.message, draft, fallback=USERS_ONLY, interaction=interaction)

    def _outcome(self, interaction: Interaction, kind: CallbackType, shown: Message | None) -> Json:
        head: Json = {"id": str(interaction.id), "type": int(interaction.type)}
        if shown is None:
            return {"interaction": head}
        head |= {
            "response_message_id": str(shown.id),
            "response_message_loading": shown.loading,
            "response_message_ephemeral": shown.ephemeral,
            "channel_id": str(shown.channel_id),
        }
        if shown.guild_id is not None:
            head["guild_id"] = str(shown.guild_id)
        if kind not in (CallbackType.MESSAGE, CallbackType.UPDATE_MESSAGE):
            return {"interaction": head}  # the description knows no resource for a deferral
        return {
            "interaction": head,
            "resource": {"type": int(kind), "message": serializers.message(shown, self._world)},
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
    return [checked_choice(choice, kind, f"choices.{place}") for place, choice in enumerate(choices)]


def focused_kind(data: Json) -> int:
    """The type of the option that is being typed."""
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
    check_fields(components)
    return data
