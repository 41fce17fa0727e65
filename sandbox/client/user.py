"""Users of Discord's client: they use commands, write messages, press buttons and read."""

from collections.abc import Mapping
from dataclasses import replace

from sandbox.client.components import build_submission, find_buttons
from sandbox.client.interaction_result import InteractionResult
from sandbox.client.message_result import MessageResult
from sandbox.client.options import ClientRejected, FoundCommand, fill_options, find_command, nest_options
from sandbox.discord import serializers
from sandbox.discord.allowed_mentions import ANYONE
from sandbox.discord.command_registry import CommandRegistry
from sandbox.discord.entities import Channel, Guild, User
from sandbox.discord.interaction_serializers import DIRECT_CONTEXT, GUILD_CONTEXT, interaction_event
from sandbox.discord.interactions import Interaction, InteractionType
from sandbox.discord.messages import Attachment, Message, MessageFlag
from sandbox.discord.permissions import Permission
from sandbox.discord.server import DiscordServer
from sandbox.discord.validation.commands import MESSAGE_MENU
from sandbox.discord.validation.message import ABSENT, MessageBody, Upload
from sandbox.json_object import Json

ChannelRef = Channel | str | int | None
"""A channel, its name (`#random`; `dm` for the DM channel with the bot), its id, or None for the first one."""

SILENT = "@silent "


class ClientUser:
    """A user with Discord's client.

    Args:
        user: the account.
        guild: the guild in which channel names are looked up.
    """

    def __init__(self, discord_server: DiscordServer, user: User, guild: Guild) -> None:
        self.user = user
        self.guild = guild
        self._discord = discord_server
        self._state = discord_server.state
        self._commands: CommandRegistry = discord_server.commands

    @property
    def name(self) -> str:
        """The name that others see."""
        return self.user.name

    @property
    def id(self) -> int:
        """The user id."""
        return self.user.id

    def channel(self, where: ChannelRef = None) -> Channel:
        """Return the channel for a reference.

        Raises:
            KeyError: there is none of that name or id.
        """
        if isinstance(where, Channel):
            return where
        if isinstance(where, int):
            channel = self._state.channel(where)
            if channel is None:
                raise KeyError(where)
            return channel
        if where is None:
            return next(iter(self.guild.channels.values()))
        if where.lower() == "dm":
            return self._state.get_dm_channel(self.user)
        return self.guild.channel(where)

    async def command(
        self,
        name: str,
        given: Mapping[str, object] | None = None,
        /,
        *,
        channel: ChannelRef = None,
        force: bool = False,
        **options: object,
    ) -> InteractionResult:
        """Use a slash command.

        Args:
            name: its full name: `/ask`, `/channel model`.
            given: options by name, for names that are parameters here (`channel`, `force`).
            channel: where.
            force: send it although the client does not offer it here; options are still checked.

        Raises:
            ClientRejected: Discord's client would not send it.
        """
        found = find_command(self._commands, name)
        place = self.channel(channel)
        if not force:
            self._check_offered(found, place)
        filled = fill_options(found, {**(given or {}), **options}, self._state)
        data = self._data(found, nest_options(found, filled.values))
        if filled.resolved:
            data["resolved"] = filled.resolved
        return self._dispatch(InteractionType.COMMAND, place, data, command_name=found.name)

    async def completes(
        self,
        name: str,
        given: Mapping[str, object] | None = None,
        /,
        *,
        option: str,
        typed: str = "",
        channel: ChannelRef = None,
        deadline_s: float | None = None,
        **others: object,
    ) -> list[Json]:
        """Type into an option with autocomplete and return the choices.

        Raises:
            ClientRejected: the option has no autocomplete.
            TimeoutError: no choices came in time.
        """
        found = find_command(self._commands, name)
        declared = next((each for each in found.options if each["name"] == option), None)
        if declared is None or not declared.get("autocomplete"):
            raise ClientRejected(f"/{found.name} completes no option {option}")
        filled = fill_options(found, {**(given or {}), **others, option: typed}, self._state, typing=option)
        data = self._data(found, nest_options(found, filled.values))
        shown = self._dispatch(InteractionType.AUTOCOMPLETE, self.channel(channel), data).interaction
        limit = shown.deadline_s + 1 if deadline_s is None else deadline_s
        return await shown.changed.until(lambda: shown.choices, deadline_s=limit, what="choices")

    async def says(
        self,
        text: str,
        *,
        channel: ChannelRef = None,
        reply_to: Message | None = None,
        ping: bool = True,
        files: Mapping[str, bytes] | None = None,
    ) -> Message:
        """Send a message and return it; one that begins with `@silent ` notifies no one, as in Discord's client.

        Args:
            reply_to: the message it replies to; `ping` is whether that notifies its author.
            files: its attachments by name.

        Raises:
            ClientRejected: the user may not write there.
        """
        place = self.channel(reply_to.channel_id if reply_to is not None and channel is None else channel)
        wanted = Permission.SEND_MESSAGES_IN_THREADS if place.is_thread else Permission.SEND_MESSAGES
        if not self._state.permissions(self.user, place) & wanted:
            raise ClientRejected(f"{self.name} may not write there")
        if reply_to is not None and reply_to.ephemeral:
            raise ClientRejected("an ephemeral message can't be replied to")
        uploads = [Upload(part, name, data) for part, (name, data) in enumerate((files or {}).items())]
        words = text.strip().removeprefix(SILENT)
        draft = MessageBody(
            {},
            content=words,
            flags=MessageFlag.SUPPRESS_NOTIFICATIONS if words != text.strip() else ABSENT,
            reply_to=None if reply_to is None else reply_to.id,
            uploads=tuple(uploads),
        )
        return self._discord.message_service.create(
            place, self.user, draft, fallback=replace(ANYONE, replied_user=ping)
        )

    async def asks(
        self,
        text: str,
        *,
        channel: ChannelRef = None,
        reply_to: Message | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> MessageResult:
        """Send a message that mentions the bot, in DMs without mention, and return its result.

        Raises:
            ClientRejected: the user may not write there.
        """
        place = self.channel(reply_to.channel_id if reply_to is not None and channel is None else channel)
        text = text if place.is_direct else f"<@{self._state.bot.id}> {text}"
        message = await self.says(text, channel=place, reply_to=reply_to, files=files)
        return MessageResult(message, self._state)

    def uploads(self, name: str, data: bytes, *, channel: ChannelRef = None) -> Attachment:
        """Upload and return a file for a command's option."""
        return self._discord.message_service.upload(self.channel(channel), Upload(0, name, data))

    async def uses_menu(self, name: str, message: Message) -> InteractionResult:
        """Use a message command of the context menu.

        Raises:
            ClientRejected: there is none of that name, or Discord's client does not offer it here.
        """
        command = self._commands.find(name, MESSAGE_MENU)
        if command is None:
            raise ClientRejected(f"there is no menu entry {name}")
        if message not in self.sees(message.channel_id):
            raise ClientRejected("there is no such message")
        found, place = FoundCommand(command, (), []), self.channel(message.channel_id)
        self._check_offered(found, place)
        data = self._data(found, [])
        data |= {
            "target_id": str(message.id),
            "resolved": {"messages": {str(message.id): serializers.message(message, self._state)}},
        }
        return self._dispatch(InteractionType.COMMAND, place, data, command_name=name)

    def deletes(self, message: Message) -> None:
        """Delete a message: the user's own, others' with Manage Messages; an ephemeral one is dismissed.

        Raises:
            ClientRejected: the user may not.
        """
        if message not in self.sees(message.channel_id):
            raise ClientRejected("there is no such message")
        mine = message.author is self.user or message.ephemeral
        if not mine:
            self._need(Permission.MANAGE_MESSAGES, self.channel(message.channel_id))
        self._discord.deletions.message(message)

    def deletes_together(self, *messages: Message) -> None:
        """Bulk-delete messages of one channel, as moderation bots do.

        Raises:
            ClientRejected: the user may not.
            ValueError: Discord does not allow it.
        """
        place = self.channel(messages[0].channel_id)
        self._need(Permission.MANAGE_MESSAGES, place)
        self._discord.deletions.messages(place, messages)

    def deletes_channel(self, where: ChannelRef = None) -> None:
        """Delete a channel with its threads, or a thread.

        Raises:
            ClientRejected: the user may not.
        """
        place = self.channel(where)
        self._need(Permission.MANAGE_THREADS if place.is_thread else Permission.MANAGE_CHANNELS, place)
        self._discord.deletions.channel(place)

    def joins_voice(self, where: ChannelRef) -> None:
        """Join a voice channel, also from another.

        Raises:
            ClientRejected: the user lacks the permission, or the channel is full.
        """
        place = self.channel(where)
        if not self._discord.voice.states.can_join(self.user, place):
            raise ClientRejected(f"{self.name} can't get in there")
        self._discord.voice.states.join(self.user, place)

    def leaves_voice(self) -> None:
        """Leave the voice channel, if the user is in one."""
        self._discord.voice.states.leave(self.guild, self.user)

    def moves_bot(self, where: ChannelRef) -> None:
        """Move the bot to another voice channel.

        Raises:
            ClientRejected: the user may not, or the bot is in none.
        """
        place = self.channel(where)
        self._need(Permission.MOVE_MEMBERS, self._bots_voice_channel())
        self._need(Permission.MOVE_MEMBERS, place)
        self._discord.voice.states.move_bot(self.guild, place)

    def kicks_bot(self) -> None:
        """Disconnect the bot from voice.

        Raises:
            ClientRejected: the user may not, or the bot is in no voice channel.
        """
        self._need(Permission.MOVE_MEMBERS, self._bots_voice_channel())
        self._discord.voice.states.leave(self.guild, self._state.bot)

    def sends_bot_to_audience(self) -> None:
        """Move the bot from a stage's speakers to the audience.

        Raises:
            ClientRejected: the user may not, or the bot is in no voice channel.
        """
        self._need(Permission.MUTE_MEMBERS, self._bots_voice_channel())
        voice_state = self.guild.voice_states[self._state.bot.id]
        self._discord.voice.states.set_suppress(voice_state, suppress=True, asked_at=None)

    async def clicks(self, message: Message, label: str) -> InteractionResult:
        """Press a button of a message, by its label or custom id.

        Raises:
            ClientRejected: there is no such button, or it is disabled.
        """
        button = next(
            (each for each in find_buttons(message.components) if label in (each.get("label"), each["custom_id"])), None
        )
        if button is None or button.get("disabled"):
            raise ClientRejected(f"there is no button {label} to press")
        data: Json = {"custom_id": button["custom_id"], "component_type": button["type"]}
        return self._dispatch(InteractionType.COMPONENT, self.channel(message.channel_id), data, message=message)

    async def submits(self, opened: InteractionResult, **values: str) -> InteractionResult:
        """Submit the modal that an interaction opened.

        Raises:
            ClientRejected: it opened none.
        """
        modal = opened.modal
        if modal is None:
            raise ClientRejected("no form is open")
        data: Json = {
            "custom_id": modal["custom_id"],
            "components": [build_submission(each, values) for each in modal["components"]],
        }
        source = opened.interaction
        return self._dispatch(InteractionType.MODAL, source.channel, data, message=source.message, opened_by=source)

    def sees(self, channel: ChannelRef = None) -> list[Message]:
        """Return the messages that the user sees in a channel, oldest first."""
        return self._state.list_visible_messages(self.user, self.channel(channel))

    def is_offered(self, name: str, channel: ChannelRef = None) -> bool:
        """Return whether Discord's client offers a command to the user there."""
        try:
            self._check_offered(find_command(self._commands, name), self.channel(channel))
        except ClientRejected:
            return False
        return True

    def _bots_voice_channel(self) -> Channel:
        voice_state = self.guild.voice_states.get(self._state.bot.id)
        if voice_state is None:
            raise ClientRejected("the bot is in no voice channel")
        return voice_state.channel

    def _need(self, right: Permission, place: Channel) -> None:
        if place.is_direct or not self._state.permissions(self.user, place) & right:
            raise ClientRejected(f"{self.name} may not do that there")

    def _check_offered(self, found: FoundCommand, place: Channel) -> None:
        contexts = found.command["contexts"]
        context = DIRECT_CONTEXT if place.is_direct else GUILD_CONTEXT
        elsewhere = (
            context not in contexts if contexts is not None else place.is_direct and not found.command["dm_permission"]
        )
        if elsewhere:
            raise ClientRejected(f"/{found.name} is not offered there")
        held = self._state.permissions(self.user, place)
        if not held & Permission.USE_APPLICATION_COMMANDS:
            raise ClientRejected(f"{self.name} may not use commands there")
        needed = found.command["default_member_permissions"]
        if place.is_direct or needed is None:
            return
        lacks = int(needed) & ~held or int(needed) == 0
        if lacks and not held & Permission.ADMINISTRATOR:
            raise ClientRejected(f"/{found.name} is not offered to {self.name}")

    def _data(self, found: FoundCommand, options: list[Json]) -> Json:
        data: Json = {"id": found.command["id"], "name": found.command["name"], "type": found.command["type"]}
        return data | ({"options": options} if options else {})

    def _dispatch(
        self,
        kind: InteractionType,
        place: Channel,
        data: Json,
        *,
        command_name: str | None = None,
        message: Message | None = None,
        opened_by: Interaction | None = None,
    ) -> InteractionResult:
        guild = self._state.guild_of(place)
        if guild is not None and self.user.id not in guild.members:
            raise ClientRejected(f"{self.name} is not in {guild.name}")
        if not self._state.reaches_bot(place.guild_id):
            raise ClientRejected("the bot is not to be reached there")
        interaction = self._discord.interactions.open(
            self._state.snowflakes.next(),
            kind,
            self.user,
            place,
            data,
            command_name=command_name,
            message=message,
            opened_by=opened_by,
        )
        self._discord.gateway.dispatch(
            "INTERACTION_CREATE", interaction_event(interaction, self._state), guild_id=place.guild_id
        )
        return InteractionResult(interaction, self._state.now)
