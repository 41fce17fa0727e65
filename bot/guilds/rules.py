"""Which model is used where: the command's word beats the channel's, that the server's, that the operator's."""

import logging

from bot.caller import Caller
from bot.catalogue import Catalogue, ModelKind
from bot.clock import Clock, unix_ms
from bot.errors import MissingRight
from bot.guilds.fields import MODELS
from bot.store.settings import StoredSettings

log = logging.getLogger(__name__)


class GuildRules:
    """What holds for a caller in their channel, and the way to change it."""

    def __init__(self, stored: StoredSettings, catalogue: Catalogue, clock: Clock) -> None:
        self._stored = stored
        self._catalogue = catalogue
        self._clock = clock

    async def model_for(self, caller: Caller, kind: ModelKind, asked: str | None) -> str:
        """Return the model for `kind`, `asked` being the command's own word.

        Raises:
            ModelNotAllowed: `asked` may not be chosen.
        """
        if asked is not None:
            self._catalogue.check(asked, kind)
            return asked
        name = MODELS[kind].name
        servers, channels = await self._stored.values(caller.guild_id, caller.settings_channel_id)
        for chosen in (channels.get(name), servers.get(name)):
            if chosen is None:
                continue
            if self._catalogue.permits(chosen, kind):
                return chosen
            # Chosen once, then taken back by the operator or gone from the API: what stands below it holds.
            log.warning(
                "chosen model no longer allowed", extra={"channel": caller.settings_channel_id, "model": chosen}
            )
        return self._catalogue.default(kind)

    async def choose_model(self, caller: Caller, kind: ModelKind, model: str) -> None:
        """Make `model` the one for `kind` in the caller's channel.

        Raises:
            MissingRight: the caller may not decide this here.
            ModelNotAllowed: the operator doesn't allow the model, or it is for something else.
        """
        field = MODELS[kind]
        if not caller.may(field.right):
            raise MissingRight(field.right)
        self._catalogue.check(model, kind)
        await self._stored.set_channel(
            caller.settings_channel_id,
            caller.guild_id,
            field.name,
            model,
            by=caller.user_id,
            at_ms=unix_ms(self._clock.now()),
        )
        log.info(
            "setting changed",
            extra={
                "channel": caller.settings_channel_id,
                "user": caller.user_id,
                "setting": field.name,
                "value": model,
            },
        )
