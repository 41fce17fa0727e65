"""A guild's personas by name: moderators write them, every member can choose one for a question."""

import json
import logging
from dataclasses import dataclass

from bot.clock import Clock, unix_ms
from bot.context import Permission, RequestContext
from bot.errors import InvalidOption
from bot.guilds import persona_files
from bot.guilds.persona_files import MAX_PERSONAS
from bot.messages import errors as error_texts
from bot.messages import personas as texts
from bot.messages.message import Message
from bot.store.personas import PersonaExists, PersonasFull, StoredPersona, StoredPersonas
from bot.workers.pool import Failure, JobFailed, Workers

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import: so many personas are new, changed, or as they were."""

    new: int
    changed: int
    same: int


class Personas:
    """The personas of the requester's guild. What changes or shows them checks the permission when it is carried out.

    Every method raises StoreUnavailable while the store cannot be used; nothing was changed then. Those for moderators
    raise MissingPermission where the requester may not manage the guild, and NotInGuild where there is none.
    """

    def __init__(self, stored: StoredPersonas, clock: Clock, workers: Workers) -> None:
        self._stored = stored
        self._clock = clock
        self._workers = workers

    async def list_names(self, requester: RequestContext) -> list[str]:
        """Return all names, for every member.

        Raises:
            NotInGuild: there is no server.
        """
        return await self._stored.list_names(requester.require_guild())

    async def list_choices(self, requester: RequestContext) -> list[str]:
        """Return the names to choose from for a question; there are none in direct messages."""
        return [] if requester.guild_id is None else await self._stored.list_names(requester.guild_id)

    async def list_editable(self, requester: RequestContext) -> list[str]:
        """Return the names to choose from for a change; there are none for those who may not."""
        return await self.list_choices(requester) if requester.can(Permission.MANAGE_SERVER) else []

    async def get_text(self, requester: RequestContext, name: str) -> str:
        """Return the text of the persona that every member can choose by that name.

        Raises:
            InvalidOption: there is none.
        """
        if requester.guild_id is None:
            raise InvalidOption(
                "persona in a direct message",
                message=texts.only_in_servers(),
            )
        return (await self._existing(requester.guild_id, name)).persona

    async def check_new(self, requester: RequestContext, name: str) -> str:
        """Return the name, tidied, of a persona that is going to be written.

        Raises:
            InvalidOption: it cannot be a name, it is taken, or there are as many personas as there can be.
        """
        guild_id = requester.require_in_guild(Permission.MANAGE_SERVER)
        name = persona_files.validate_name(name)
        names = await self._stored.list_names(guild_id)
        if persona_files.name_key(name) in map(persona_files.name_key, names):
            raise _name_taken(name)
        if len(names) >= MAX_PERSONAS:
            raise _too_many()
        return name

    async def add(self, requester: RequestContext, name: str, text: str) -> str:
        """Store a new persona; return its name.

        Raises:
            InvalidOption: as from `check_new`, or the text is empty or too long.
        """
        guild_id = requester.require_in_guild(Permission.MANAGE_SERVER)
        name = persona_files.validate_name(name)
        wanted = StoredPersona(persona_files.name_key(name), name, persona_files.validate_text(text))
        try:
            await self._stored.add(guild_id, wanted, max_count=MAX_PERSONAS, by=requester.user_id, at_ms=self._now_ms())
        except PersonaExists:
            raise _name_taken(name) from None
        except PersonasFull:
            raise _too_many() from None
        _log_change("persona added", requester)
        return name

    async def get_for_edit(self, requester: RequestContext, name: str) -> StoredPersona:
        """Return the persona of that name, to be edited.

        Raises:
            InvalidOption: there is none.
        """
        return await self._existing(requester.require_in_guild(Permission.MANAGE_SERVER), name)

    async def change(self, requester: RequestContext, name: str, text: str) -> str:
        """Replace the text of a persona; return its name.

        Raises:
            InvalidOption: there is none of that name, or the text is empty or too long.
        """
        guild_id = requester.require_in_guild(Permission.MANAGE_SERVER)
        text = persona_files.validate_text(text, empty=texts.empty_text_of_existing())
        key, by, at_ms = persona_files.name_key(name), requester.user_id, self._now_ms()
        changed = await self._stored.update(guild_id, key, text, by=by, at_ms=at_ms)
        if changed is None:
            raise _unknown_persona()
        _log_change("persona changed", requester)
        return changed.name

    async def remove(self, requester: RequestContext, name: str) -> str:
        """Delete a persona; return its name.

        Raises:
            InvalidOption: there is none of that name.
        """
        guild_id = requester.require_in_guild(Permission.MANAGE_SERVER)
        key, by, at_ms = persona_files.name_key(name), requester.user_id, self._now_ms()
        removed = await self._stored.remove(guild_id, key, by=by, at_ms=at_ms)
        if removed is None:
            raise _unknown_persona()
        _log_change("persona removed", requester)
        return removed.name

    async def export(self, requester: RequestContext) -> bytes:
        """Return all personas as a file.

        Raises:
            InvalidOption: there are none.
        """
        guild_id = requester.require_in_guild(Permission.MANAGE_SERVER)
        personas = await self._stored.list_for_guild(guild_id)
        if not personas:
            raise InvalidOption("no personas", message=texts.nothing_to_export())
        return persona_files.encode(personas, guild_id, self._clock.now())

    async def import_file(self, requester: RequestContext, data: bytes) -> Imported:
        """Store all personas of a file, each in place of the one of that name; others stay.

        Raises:
            InvalidOption: it cannot be read, or there would be too many; nothing was changed.
        """
        guild_id = requester.require_in_guild(Permission.MANAGE_SERVER)
        wanted = await self._read(data, requester)
        by, at_ms = requester.user_id, self._now_ms()
        try:
            replaced = await self._stored.save_all(guild_id, wanted, max_count=MAX_PERSONAS, by=by, at_ms=at_ms)
        except PersonasFull as full:
            raise persona_files.build_error([texts.too_many_with_file(full.count, MAX_PERSONAS)]) from None
        new = replaced.count(None)
        same = sum(before == after for before, after in zip(replaced, wanted, strict=True))
        _log_change("personas imported", requester)
        return Imported(new, len(wanted) - new - same, same)

    async def _read(self, data: bytes, requester: RequestContext) -> list[StoredPersona]:
        """Read a file in a worker: some megabytes of brackets block the interpreter and take much memory."""
        try:
            result = await self._workers.run("parse personas", [data], owner=requester.user_id)
        except JobFailed as error:
            if error.failure is Failure.FULL:
                raise InvalidOption("too many files", message=error_texts.too_many_files()) from error
            raise persona_files.build_error([texts.unreadable_file()]) from error
        found = json.loads(result.parts[0])
        if "message" in found:
            raise InvalidOption(found["detail"], message=Message.from_json(found["message"]))
        return [StoredPersona(*each) for each in found["personas"]]

    async def _existing(self, guild_id: int, name: str) -> StoredPersona:
        found = await self._stored.get(guild_id, persona_files.name_key(name))
        if found is None:
            raise _unknown_persona()
        return found

    def _now_ms(self) -> int:
        return unix_ms(self._clock.discord_now())


def _unknown_persona() -> InvalidOption:
    return InvalidOption("no such persona", message=texts.unknown())


def _name_taken(name: str) -> InvalidOption:
    return InvalidOption("name taken", message=texts.name_taken(name))


def _too_many() -> InvalidOption:
    return InvalidOption(
        "too many personas",
        message=texts.too_many(MAX_PERSONAS),
    )


def _log_change(event: str, requester: RequestContext) -> None:
    # Neither name nor text: members wrote them.
    logger.info(event, extra={"guild": requester.guild_id, "user": requester.user_id})
