"""Which setting applies where. Precedence: command option, channel, guild, operator."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.clock import Clock, unix_ms
from bot.context import Permission, RequestContext
from bot.guilds import persona_files
from bot.guilds.personas import Personas
from bot.messages import personas as persona_texts
from bot.messages import settings as texts
from bot.messages.message import Message
from bot.model_catalog import ModelCatalog, ModelKind
from bot.store.settings import StoredSettings

logger = logging.getLogger(__name__)


class SettingScope(StrEnum):
    """Where a moderator sets something: for a channel and its threads, or for the whole guild."""

    CHANNEL = "channel"
    SERVER = "server"

    @property
    def permission(self) -> Permission:
        """Return the permission to see and change what is set there."""
        return Permission.MANAGE_CHANNELS if self is SettingScope.CHANNEL else Permission.MANAGE_SERVER


@dataclass(frozen=True, slots=True)
class SettingDefinition:
    """A setting: its name in the store, and what members call it."""

    name: str
    label: Message


MODELS: Final = {
    ModelKind.CHAT: SettingDefinition("chat_model", texts.chat_model()),
    ModelKind.SPEECH: SettingDefinition("speech_model", texts.speech_model()),
    ModelKind.IMAGE: SettingDefinition("image_model", texts.image_model()),
}

PERSONA: Final = SettingDefinition("persona", texts.persona())

READ_CHANNEL: Final = SettingDefinition("read_channel", texts.read_channel())
"""A channel's id. Only a guild has it, and it is changed by `bot.guilds.auto_read`."""

ALL: Final = (*MODELS.values(), PERSONA, READ_CHANNEL)


class Level(StrEnum):
    """Where a value comes from, the strongest first."""

    CHANNEL = "channel"
    SERVER = "server"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class ResolvedSetting:
    """The value that applies for a setting, and where it comes from.

    `ignored_values` were set at stronger levels and can no longer be used, the strongest first.
    """

    setting: SettingDefinition
    value: str
    level: Level
    ignored_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """What a question is answered with: the model, and the persona as it was written, with its placeholders."""

    model: str
    persona: str


def resolve_setting(
    setting: SettingDefinition,
    chosen: Mapping[Level, Mapping[str, str]],
    operator_value: str,
    is_usable: Callable[[str], bool] = lambda _: True,
) -> ResolvedSetting:
    """Return which value of `setting` applies.

    Args:
        setting: the setting.
        chosen: what is set at each level of a guild, name → value.
        operator_value: the value that applies where no other does.
        is_usable: returns whether a value that was chosen once can still be used.
    """
    ignored_values: list[str] = []
    for level in (Level.CHANNEL, Level.SERVER):
        value = chosen.get(level, {}).get(setting.name)
        if value is None:
            continue
        if is_usable(value):
            return ResolvedSetting(setting, value, level, tuple(ignored_values))
        ignored_values.append(value)
    return ResolvedSetting(setting, operator_value, Level.OPERATOR, tuple(ignored_values))


class GuildSettings:
    """The settings that apply to a requester in their channel, and changes to them.

    What shows or changes settings checks the permission that the scope takes, each time.
    """

    def __init__(
        self, stored: StoredSettings, personas: Personas, catalog: ModelCatalog, clock: Clock, *, persona: str
    ) -> None:
        self._stored = stored
        self._personas = personas
        self._catalog = catalog
        self._clock = clock
        self._persona = persona

    async def get_chat_settings(
        self, requester: RequestContext, *, model: str | None = None, persona: str | None = None
    ) -> ChatSettings:
        """Return what a question is answered with; `model` and `persona` are the command's own options.

        Raises:
            ModelNotAllowed: `model` may not be chosen.
            InvalidOption: the guild has no persona called `persona`.
            StoreUnavailable: the settings cannot be read at the moment.
        """
        if model is not None:
            self._catalog.check(model, ModelKind.CHAT)
        chosen = await self._load_chosen(requester) if model is None or persona is None else {}
        return ChatSettings(
            self._get_usable_model(requester, ModelKind.CHAT, chosen) if model is None else model,
            resolve_setting(PERSONA, chosen, self._persona).value
            if persona is None
            else await self._personas.get_text(requester, persona),
        )

    async def get_model(self, requester: RequestContext, kind: ModelKind, requested: str | None) -> str:
        """Return the model for `kind`, `requested` being the command's own option.

        Raises:
            ModelNotAllowed: `requested` may not be chosen.
            StoreUnavailable: the settings cannot be read at the moment.
        """
        if requested is not None:
            self._catalog.check(requested, kind)
            return requested
        return self._get_usable_model(requester, kind, await self._load_chosen(requester))

    async def list_persona_choices(self, requester: RequestContext) -> list[str]:
        """Return the names of personas that `get_chat_settings` accepts.

        Raises:
            StoreUnavailable: they cannot be read at the moment.
        """
        return await self._personas.list_choices(requester)

    async def list_resolved(self, requester: RequestContext, scope: SettingScope) -> list[ResolvedSetting]:
        """Return for each setting what applies at `scope` and where it comes from.

        Raises:
            MissingPermission: the requester may not decide this here.
            NotInGuild: there is no guild.
            StoreUnavailable: the settings cannot be read at the moment.
        """
        requester.require_in_guild(scope.permission)
        chosen = await self._load_chosen(requester)
        if scope is SettingScope.SERVER:
            del chosen[Level.CHANNEL]
        models = [self._model(kind, chosen) for kind in MODELS]
        of_server = [resolve_setting(READ_CHANNEL, chosen, "")] if scope is SettingScope.SERVER else []
        return [*models, *of_server, resolve_setting(PERSONA, chosen, self._persona)]

    async def get_persona_for_edit(self, requester: RequestContext, scope: SettingScope) -> str:
        """Return the persona that applies at `scope`, to be edited.

        Raises:
            MissingPermission, NotInGuild, StoreUnavailable: as from `list_resolved`.
        """
        return next(
            resolved.value for resolved in await self.list_resolved(requester, scope) if resolved.setting is PERSONA
        )

    def list_model_choices(
        self, requester: RequestContext, scope: SettingScope, kind: ModelKind, typed: str
    ) -> list[str]:
        """Return the models to choose from at `scope`; none for those who may not."""
        if not requester.can(scope.permission):
            return []
        return self._catalog.list_choices(kind, typed)

    async def set_model(self, requester: RequestContext, scope: SettingScope, kind: ModelKind, model: str) -> None:
        """Make `model` the one for `kind` at `scope`.

        Raises:
            MissingPermission: the requester may not decide this here.
            NotInGuild: there is no guild.
            ModelNotAllowed: the operator doesn't allow the model, or it is for something else.
            StoreUnavailable: it could not be stored.
        """
        requester.require_in_guild(scope.permission)
        self._catalog.check(model, kind)
        await self._set(requester, scope, MODELS[kind], model)

    async def set_persona(self, requester: RequestContext, scope: SettingScope, text: str) -> None:
        """Make `text` the persona at `scope`.

        Raises:
            MissingPermission: the requester may not decide this here.
            NotInGuild: there is no guild.
            InvalidOption: it is empty or too long.
            StoreUnavailable: it could not be stored.
        """
        requester.require_in_guild(scope.permission)
        text = persona_files.validate_text(text, empty=persona_texts.empty_text_of_scope(scope.value))
        await self._set(requester, scope, PERSONA, text)

    async def reset(self, requester: RequestContext, scope: SettingScope) -> Sequence[SettingDefinition]:
        """Clear all that is set at `scope`, so that the next level applies; return what was set.

        Raises:
            MissingPermission: the requester may not decide this here.
            NotInGuild: there is no guild.
            StoreUnavailable: it could not be stored.
        """
        guild_id = requester.require_in_guild(scope.permission)
        names = [setting.name for setting in ALL]
        by, at_ms = requester.user_id, unix_ms(self._clock.discord_now())
        if scope is SettingScope.SERVER:
            cleared = await self._stored.clear_guild(guild_id, names, by=by, at_ms=at_ms)
        else:
            channel_id = requester.settings_channel_id
            cleared = await self._stored.clear_channel(channel_id, guild_id, names, by=by, at_ms=at_ms)
        for name in cleared:
            self._log(requester, scope, name)
        return [setting for setting in ALL if setting.name in cleared]

    async def _load_chosen(self, requester: RequestContext) -> dict[Level, dict[str, str]]:
        servers, channels = await self._stored.get_values(requester.guild_id, requester.settings_channel_id)
        return {Level.CHANNEL: channels, Level.SERVER: servers}

    def _get_usable_model(self, requester: RequestContext, kind: ModelKind, chosen: dict[Level, dict[str, str]]) -> str:
        """Return the model of the strongest level that can still be used."""
        resolved = self._model(kind, chosen)
        for model in resolved.ignored_values:
            # Chosen once, then removed by the operator or gone from the API: the next level applies.
            logger.warning(
                "chosen model no longer allowed", extra={"channel": requester.settings_channel_id, "model": model}
            )
        return resolved.value

    def _model(self, kind: ModelKind, chosen: dict[Level, dict[str, str]]) -> ResolvedSetting:
        return resolve_setting(
            MODELS[kind],
            chosen,
            self._catalog.default(kind),
            lambda model: self._catalog.still_allows(model, kind),
        )

    async def _set(
        self, requester: RequestContext, scope: SettingScope, setting: SettingDefinition, value: str
    ) -> None:
        guild_id = requester.require_in_guild(scope.permission)
        by, at_ms = requester.user_id, unix_ms(self._clock.discord_now())
        if scope is SettingScope.SERVER:
            await self._stored.set_guild(guild_id, setting.name, value, by=by, at_ms=at_ms)
        else:
            channel_id = requester.settings_channel_id
            await self._stored.set_channel(channel_id, guild_id, setting.name, value, by=by, at_ms=at_ms)
        self._log(requester, scope, setting.name)

    def _log(self, requester: RequestContext, scope: SettingScope, name: str) -> None:
        # Not the value: a persona is what members wrote.
        logger.info(
            "setting changed",
            extra={
                "scope": scope,
                "guild": requester.guild_id,
                "channel": requester.settings_channel_id,
                "user": requester.user_id,
                "setting": name,
            },
        )
