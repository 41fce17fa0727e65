"""What is used where: the command's word beats the channel's, that the server's, that the operator's."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.clock import Clock, unix_ms
from bot.context import RequestContext
from bot.errors import NotInGuild
from bot.guilds import persona_text
from bot.guilds.personas import Personas
from bot.guilds.setting_definitions import ALL, MODELS, PERSONA, READ_CHANNEL, SettingDefinition, SettingScope
from bot.models.allowlist import ModelKind
from bot.models.catalog import ModelCatalog
from bot.store.settings import StoredSettings

log = logging.getLogger(__name__)


class Level(StrEnum):
    """Where a value comes from, the strongest first."""

    CHANNEL = "channel"
    SERVER = "server"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Holding:
    """The value that holds for a setting, and where it comes from.

    `set_aside` is what was set above that and may no longer be used, the strongest first.
    """

    field: SettingDefinition
    value: str
    level: Level
    set_aside: tuple[str, ...] = ()


def resolve_setting(
    field: SettingDefinition,
    chosen: Mapping[Level, Mapping[str, str]],
    operators: str,
    usable: Callable[[str], bool] = lambda _: True,
) -> Holding:
    """Tell which value of `field` holds.

    Args:
        field: the setting.
        chosen: what is set at each level of a server, name → value.
        operators: the operator's value, which holds where nothing else does.
        usable: whether a value that was chosen once may still be used.
    """
    set_aside: list[str] = []
    for level in (Level.CHANNEL, Level.SERVER):
        value = chosen.get(level, {}).get(field.name)
        if value is None:
            continue
        if usable(value):
            return Holding(field, value, level, tuple(set_aside))
        set_aside.append(value)
    return Holding(field, operators, Level.OPERATOR, tuple(set_aside))


class GuildSettings:
    """What holds for a requester in their channel, and the way to change it.

    Everything that shows or changes settings asks for the right that the place takes, each time.
    """

    def __init__(
        self, stored: StoredSettings, presets: Personas, catalogue: ModelCatalog, clock: Clock, *, persona: str
    ) -> None:
        self._stored = stored
        self._presets = presets
        self._catalogue = catalogue
        self._clock = clock
        self._persona = persona

    async def model_for(self, requester: RequestContext, kind: ModelKind, asked: str | None) -> str:
        """Return the model for `kind`, `asked` being the command's own word.

        Raises:
            ModelNotAllowed: `asked` may not be chosen.
            StoreUnavailable: the settings cannot be read just now.
        """
        if asked is not None:
            self._catalogue.check(asked, kind)
            return asked
        held = self._model(kind, await self._chosen(requester))
        for model in held.set_aside:
            # Chosen once, then taken back by the operator or gone from the API: what stands below it holds.
            log.warning(
                "chosen model no longer allowed", extra={"channel": requester.settings_channel_id, "model": model}
            )
        return held.value

    async def persona_for(self, requester: RequestContext, asked: str | None = None) -> str:
        """Return the persona that holds for the requester, as it was written: placeholders and all.

        `asked` is the command's own word: the name of one of the server's.

        Raises:
            InvalidOption: there is none of that name.
            StoreUnavailable: the settings cannot be read just now.
        """
        if asked is not None:
            return await self._presets.persona_named(requester, asked)
        return resolve_setting(PERSONA, await self._chosen(requester), self._persona).value

    async def persona_choices(self, requester: RequestContext) -> list[str]:
        """Return the names that `persona_for` takes.

        Raises:
            StoreUnavailable: they cannot be read just now.
        """
        return await self._presets.choices(requester)

    async def show(self, requester: RequestContext, place: SettingScope) -> list[Holding]:
        """Tell for each setting what holds at `place` and where it comes from.

        Raises:
            MissingPermission: the requester may not decide this here.
            NotInGuild: there is no server.
            StoreUnavailable: the settings cannot be read just now.
        """
        self._admit(requester, place)
        chosen = await self._chosen(requester)
        if place is SettingScope.SERVER:
            del chosen[Level.CHANNEL]
        models = [self._model(kind, chosen) for kind in MODELS]
        of_server = [resolve_setting(READ_CHANNEL, chosen, "")] if place is SettingScope.SERVER else []
        return [*models, *of_server, resolve_setting(PERSONA, chosen, self._persona)]

    async def present_persona(self, requester: RequestContext, place: SettingScope) -> str:
        """Return the persona that holds at `place`, to be written anew.

        Raises:
            MissingPermission, NotInGuild, StoreUnavailable: as from `show`.
        """
        return next(held.value for held in await self.show(requester, place) if held.field is PERSONA)

    def model_choices(self, requester: RequestContext, place: SettingScope, kind: ModelKind, typed: str) -> list[str]:
        """Return the models to choose from at `place`; none for those who may not."""
        if not requester.can(place.permission):
            return []
        return self._catalogue.list_choices(kind, typed)

    async def choose_model(self, requester: RequestContext, place: SettingScope, kind: ModelKind, model: str) -> None:
        """Make `model` the one for `kind` at `place`.

        Raises:
            MissingPermission: the requester may not decide this here.
            NotInGuild: there is no server.
            ModelNotAllowed: the operator doesn't allow the model, or it is for something else.
            StoreUnavailable: it could not be kept.
        """
        self._admit(requester, place)
        self._catalogue.check(model, kind)
        await self._set(requester, place, MODELS[kind], model)

    async def write_persona(self, requester: RequestContext, place: SettingScope, text: str) -> None:
        """Make `text` the persona at `place`.

        Raises:
            MissingPermission: the requester may not decide this here.
            NotInGuild: there is no server.
            InvalidOption: it is empty or too long.
            StoreUnavailable: it could not be kept.
        """
        self._admit(requester, place)
        text = persona_text.checked(text, advice=f" To do without one of its own, use `/{place} reset`.")
        await self._set(requester, place, PERSONA, text)

    async def reset(self, requester: RequestContext, place: SettingScope) -> Sequence[SettingDefinition]:
        """Take back all that is set at `place`, so that the next level holds; return what was set.

        Raises:
            MissingPermission: the requester may not decide this here.
            NotInGuild: there is no server.
            StoreUnavailable: it could not be kept.
        """
        guild_id = self._admit(requester, place)
        names = [field.name for field in ALL]
        by, at_ms = requester.user_id, unix_ms(self._clock.discord_now())
        if place is SettingScope.SERVER:
            cleared = await self._stored.clear_server(guild_id, names, by=by, at_ms=at_ms)
        else:
            channel_id = requester.settings_channel_id
            cleared = await self._stored.clear_channel(channel_id, guild_id, names, by=by, at_ms=at_ms)
        for name in cleared:
            self._log(requester, place, name)
        return [field for field in ALL if field.name in cleared]

    def _admit(self, requester: RequestContext, place: SettingScope) -> int:
        """Return the id of the server that the requester is in, where they may decide about `place`."""
        if requester.guild_id is None:
            raise NotInGuild
        requester.require(place.permission)
        return requester.guild_id

    async def _chosen(self, requester: RequestContext) -> dict[Level, dict[str, str]]:
        servers, channels = await self._stored.values(requester.guild_id, requester.settings_channel_id)
        return {Level.CHANNEL: channels, Level.SERVER: servers}

    def _model(self, kind: ModelKind, chosen: dict[Level, dict[str, str]]) -> Holding:
        return resolve_setting(
            MODELS[kind],
            chosen,
            self._catalogue.default(kind),
            lambda model: self._catalogue.still_allows(model, kind),
        )

    async def _set(self, requester: RequestContext, place: SettingScope, field: SettingDefinition, value: str) -> None:
        guild_id = self._admit(requester, place)
        by, at_ms = requester.user_id, unix_ms(self._clock.discord_now())
        if place is SettingScope.SERVER:
            await self._stored.set_server(guild_id, field.name, value, by=by, at_ms=at_ms)
        else:
            channel_id = requester.settings_channel_id
            await self._stored.set_channel(channel_id, guild_id, field.name, value, by=by, at_ms=at_ms)
        self._log(requester, place, field.name)

    def _log(self, requester: RequestContext, place: SettingScope, name: str) -> None:
        # Not the value: a persona is something that people wrote.
        log.info(
            "setting changed",
            extra={
                "place": place,
                "guild": requester.guild_id,
                "channel": requester.settings_channel_id,
                "user": requester.user_id,
                "setting": name,
            },
        )
