"""People at their screens: they use commands, type, press buttons and read."""

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
"""A channel, its name (`#random`; `dm` for the direct messages with the bot), its id, or None for the first one."""

SILENT = "@silent "


class ClientUser:
    """Somebody who uses the bot.

    Args:
        user: whose account it is.
        guild: the guild where they are at home; channel names are looked up in it.
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
        """The account's id."""
        return self.user.id

    def channel(self, where: ChannelRef = None) -> Channel:
        """Return the channel that is meant.

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
            name: its whole name: `/ask`, `/channel model`.
            given: options by name, for those whose names are taken here (`channel`, `force`).
            channel: where.
            force: send it although the client would not offer it here; options are checked all the same.

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
        """Type into an option that completes, and see the choices offered.

        Raises:
            ClientRejected: the option does not complete.
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
        """Type an ordinary message; one that begins with `@silent ` notifies nobody, as in Discord's own client.

        Args:
            reply_to: the message it is a reply to; `ping` False switches the ping off that goes with a reply.
            files: files that come with it, by name.

        Raises:
            ClientRejected: this person may not write there.
        """
        place = self.channel(reply_to.channel_id if reply_to is not None and channel is None else channel)
        wanted = Permission.SEND_MESSAGES_IN_THREADS if place.is_thread else Permission.SEND_MESSAGES
        if not self._state.permissions(self.user, place) & wanted:
            raise ClientRejected(f"{self.name} may not write there")
        if reply_to is not None and reply_to.ephemeral:
            raise ClientRejected("nobody can reply to a message that only one person sees")
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
        """Mention the bot in a message, which need not be done in direct messages; what comes of it.

        Raises:
            ClientRejected: this person may not write there.
        """
        place = self.channel(reply_to.channel_id if reply_to is not None and channel is None else channel)
        text = text if place.is_direct else f"<@{self._state.bot.id}> {text}"
        message = await self.says(text, channel=place, reply_to=reply_to, files=files)
        return MessageResult(message, self._state)

    def uploads(self, name: str, data: bytes, *, channel: ChannelRef = None) -> Attachment:
        """Choose a file for a command's option; it is uploaded before the command is used."""
        return self._discord.message_service.upload(self.channel(channel), Upload(0, name, data))

    async def uses_menu(self, name: str, message: Message) -> InteractionResult:
        """Choose an entry of the app's menu of a message.

        Raises:
            ClientRejected: there is no such entry, or Discord's client would not offer it here.
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
        """Take a message away: one's own, others' with Manage Messages; an ephemeral one is only dismissed.

        Raises:
            ClientRejected: this person may not.
        """
        if message not in self.sees(message.channel_id):
            raise ClientRejected("there is no such message")
        mine = message.author is self.user or message.ephemeral
        if not mine:
            self._need(Permission.MANAGE_MESSAGES, self.channel(message.channel_id))
        self._discord.deletions.message(message)

    def deletes_together(self, *messages: Message) -> None:
        """Have a moderation bot take several messages of one channel away in one go.

        Raises:
            ClientRejected: this person may not.
            ValueError: Discord would not.
        """
        place = self.channel(messages[0].channel_id)
        self._need(Permission.MANAGE_MESSAGES, place)
        self._discord.deletions.messages(place, messages)

    def deletes_channel(self, where: ChannelRef = None) -> None:
        """Take a channel with all its threads away, or a thread.

        Raises:
            ClientRejected: this person may not.
        """
        place = self.channel(where)
        self._need(Permission.MANAGE_THREADS if place.is_thread else Permission.MANAGE_CHANNELS, place)
        self._discord.deletions.channel(place)

    def joins_voice(self, where: ChannelRef) -> None:
        """Come into a voice channel, from another one or from nowhere.

        Raises:
            ClientRejected: Discord's client would not try: no permission, or no place left.
        """
        place = self.channel(where)
        if not self._discord.voice.states.can_join(self.user, place):
            raise ClientRejected(f"{self.name} can't get in there")
        self._discord.voice.states.join(self.user, place)

    def leaves_voice(self) -> None:
        """Leave the voice channel, if this person is in one."""
        self._discord.voice.states.leave(self.guild, self.user)

    def moves_bot(self, where: ChannelRef) -> None:
        """Drag the bot into another voice channel.

        Raises:
            ClientRejected: this person may not, or it is in none.
        """
        place = self.channel(where)
        self._need(Permission.MOVE_MEMBERS, self._bots_voice_channel())
        self._need(Permission.MOVE_MEMBERS, place)
        self._discord.voice.states.move_bot(self.guild, place)

    def kicks_bot(self) -> None:
        """Disconnect the bot from voice.

        Raises:
            ClientRejected: this person may not, or it is in none.
        """
        self._need(Permission.MOVE_MEMBERS, self._bots_voice_channel())
        self._discord.voice.states.leave(self.guild, self._state.bot)

    def sends_bot_to_audience(self) -> None:
        """Move the bot from a stage's speakers to the audience.

        Raises:
            ClientRejected: this person may not, or it is in no voice channel.
        """
        self._need(Permission.MUTE_MEMBERS, self._bots_voice_channel())
        voice_state = self.guild.voice_states[self._state.bot.id]
        self._discord.voice.states.set_suppress(voice_state, suppress=True, asked_at=None)

    async def clicks(self, message: Message, label: str) -> InteractionResult:
        """Press a button under a message, by its label or custom id.

        Raises:
            ClientRejected: there is no such button to press.
        """
        button = next(
            (each for each in find_buttons(message.components) if label in (each.get("label"), each["custom_id"])), None
        )
        if button is None or button.get("disabled"):
            raise ClientRejected(f"there is no button {label} to press")
        data: Json = {"custom_id": button["custom_id"], "component_type": button["type"]}
        return self._dispatch(InteractionType.COMPONENT, self.channel(message.channel_id), data, message=message)

    async def submits(self, opened: InteractionResult, **values: str) -> InteractionResult:
        """Fill in the form an invocation opened and send it.

        Raises:
            ClientRejected: no form was opened.
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
        """Return what is on this person's screen in a channel, oldest first; ephemeral messages only their own."""
        return self._state.list_visible_messages(self.user, self.channel(channel))

    def is_offered(self, name: str, channel: ChannelRef = None) -> bool:
        """Return whether Discord's client offers a command to this person there."""
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
