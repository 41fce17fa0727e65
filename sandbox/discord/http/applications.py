"""Endpoints of the application, the gateway's address, and the commands."""

from collections.abc import Iterator

from sandbox.discord import serializers
from sandbox.discord.command_registry import CommandRegistry
from sandbox.discord.errors import missing_access
from sandbox.discord.gateway.gateway import Gateway
from sandbox.discord.http.endpoints import NO_CONTENT, Endpoint, Request, Response
from sandbox.discord.state import DiscordState

COMMANDS = "/applications/{application_id}/commands"


class ApplicationRoutes:
    """Endpoints under `/applications`, `/oauth2` and `/gateway`."""

    def __init__(self, state: DiscordState, commands: CommandRegistry, gateway: Gateway, *, shards: int) -> None:
        self._state = state
        self._commands = commands
        self._gateway = gateway
        self._shards = shards

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints of this file."""
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

    async def get_own(self, request: Request) -> Response:
        """Return the bot's application."""
        del request
        return Response(200, serializers.application(self._state))

    async def get_gateway(self, request: Request) -> Response:
        """Return the gateway's address."""
        del request
        return Response(200, {"url": self._gateway.url})

    async def get_gateway_bot(self, request: Request) -> Response:
        """Return the gateway's address, the recommended shards and the session start limit."""
        del request
        limits = {
            "total": 1000,
            "remaining": self._gateway.identifies_left,
            "reset_after": round(self._gateway.identifies_reset_in_s * 1000),
            "max_concurrency": 1,
        }
        return Response(200, {"url": self._gateway.url, "shards": self._shards, "session_start_limit": limits})

    async def list_commands(self, request: Request) -> Response:
        """Return all global commands."""
        self._own(request)
        return Response(200, self._commands.list_all(with_localizations=request.flag("with_localizations")))

    async def replace_commands(self, request: Request) -> Response:
        """Replace all global commands."""
        self._own(request)
        commands = self._commands.replace(request.body)
        self._state.changed.notify()
        return Response(200, commands)

    async def create_command(self, request: Request) -> Response:
        """Create or overwrite a command."""
        self._own(request)
        command, new = self._commands.upsert(request.body)
        self._state.changed.notify()
        return Response(201 if new else 200, command)

    async def get_command(self, request: Request) -> Response:
        """Return one command."""
        self._own(request)
        return Response(200, self._commands.get(request.id("command_id")))

    async def edit_command(self, request: Request) -> Response:
        """Edit a command."""
        self._own(request)
        return Response(200, self._commands.edit(request.id("command_id"), request.body))

    async def delete_command(self, request: Request) -> Response:
        """Delete a command."""
        self._own(request)
        self._commands.delete(request.id("command_id"))
        return NO_CONTENT

    def _own(self, request: Request) -> None:
        if request.id("application_id") != self._state.application_id:
            raise missing_access()
