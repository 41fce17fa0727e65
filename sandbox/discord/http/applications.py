"""The application itself, its gateway address and its commands."""

from collections.abc import Iterator

from sandbox.discord import serializers
from sandbox.discord.command_registry import CommandBook
from sandbox.discord.errors import missing_access
from sandbox.discord.gateway.gateway import Gateway
from sandbox.discord.http.endpoints import NO_CONTENT, Answer, Call, Endpoint
from sandbox.discord.state import World

COMMANDS = "/applications/{application_id}/commands"


class ApplicationRoutes:
    """Endpoints under `/applications`, `/oauth2` and `/gateway`."""

    def __init__(self, world: World, book: CommandBook, gateway: Gateway, *, shards: int) -> None:
        self._world = world
        self._book = book
        self._gateway = gateway
        self._shards = shards

    def endpoints(self) -> Iterator[Endpoint]:
        """Every endpoint of this file."""
        one = COMMANDS + "/{command_id}"
        yield Endpoint("GET", "/oauth2/applications/@me", self.get_own)
        yield Endpoint("GET", "/applications/@me", self.get_own)
        yield Endpoint("GET", "/gateway", self.get_gateway, open=True)
        yield Endpoint("GET", "/gateway/bot", self.get_gateway_bot)
        yield Endpoint("GET", COMMANDS, self.list_commands)
        yield Endpoint("PUT", COMMANDS, self.replace_commands, "commands.write")
        yield Endpoint("POST", COMMANDS, self.create_command, "commands.write")
        yield Endpoint("GET", one, self.get_command)
        yield Endpoint("PATCH", one, self.edit_command, "commands.write")
        yield Endpoint("DELETE", one, self.delete_command, "commands.write")

    async def get_own(self, call: Call) -> Answer:
        """The application the token belongs to."""
        del call
        return Answer(200, serializers.application(self._world))

    async def get_gateway(self, call: Call) -> Answer:
        """Where the gateway is."""
        del call
        return Answer(200, {"url": self._gateway.url})

    async def get_gateway_bot(self, call: Call) -> Answer:
        """Where the gateway is, how many shards to open, how many identifies are left."""
        del call
        limits = {
            "total": 1000,
            "remaining": self._gateway.starts_left,
            "reset_after": round(self._gateway.starts_again_in_s * 1000),
            "max_concurrency": 1,
        }
        return Answer(200, {"url": self._gateway.url, "shards": self._shards, "session_start_limit": limits})

    async def list_commands(self, call: Call) -> Answer:
        """All global commands."""
        self._own(call)
        return Answer(200, self._book.all(with_localizations=call.flag("with_localizations")))

    async def replace_commands(self, call: Call) -> Answer:
        """Put a list in place of all global commands."""
        self._own(call)
        commands = self._book.replace(call.body)
        self._world.bell.ring()
        return Answer(200, commands)

    async def create_command(self, call: Call) -> Answer:
        """Add or overwrite one command."""
        self._own(call)
        command, new = self._book.upsert(call.body)
        self._world.bell.ring()
        return Answer(201 if new else 200, command)

    async def get_command(self, call: Call) -> Answer:
        """One command."""
        self._own(call)
        return Answer(200, self._book.get(call.id("command_id")))

    async def edit_command(self, call: Call) -> Answer:
        """Change one command."""
        self._own(call)
        return Answer(200, self._book.edit(call.id("command_id"), call.body))

    async def delete_command(self, call: Call) -> Answer:
        """Remove one command."""
        self._own(call)
        self._book.delete(call.id("command_id"))
        return NO_CONTENT

    def _own(self, call: Call) -> None:
        if call.id("application_id") != self._world.application_id:
            raise missing_access()
