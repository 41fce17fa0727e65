"""The sandbox's prompt: use the bot as one of several users, and request faults."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from sandbox.client.interaction_result import InteractionResult
from sandbox.client.message_result import MessageResult
from sandbox.client.options import ClientRejected
from sandbox.client.user import ClientUser
from sandbox.discord.entities import Channel
from sandbox.discord.messages import Attachment
from sandbox.discord.permissions import MODERATOR
from sandbox.discord.validation.commands import ATTACHMENT
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import get_named_faults
from sandbox.sandbox import Sandbox
from sandbox.terminal.buttons import BUTTON_HELP, ButtonCommands
from sandbox.terminal.completion import CommandCompleter
from sandbox.terminal.line_reader import LineReader
from sandbox.terminal.output import TerminalOutput
from sandbox.terminal.output_folder import OutputFolder
from sandbox.terminal.parser import InputError, ParsedCommand, format_usage, list_commands, parse
from sandbox.terminal.voice import VOICE_HELP, VoiceCommands

PACE_S = 0.02  # between two deltas, slow enough to read along
WATCH_TIMEOUT_S = 120.0
QUIET_S = 1.2  # an answer is final after so long without a change
SCREENFUL = 6  # messages

MENTION = re.compile(r"@bot\b", re.IGNORECASE)

HELP = f"""\
  /ask hello                     any command of the bot; what comes first is its first option
  /ask prompt: hi private: true  further options by name; for a file its path
  hello there                    plain text is said in the channel
  @bot hello there               and this mentions the bot; in direct messages that needs no mention
  /as Ben, /as moderator         be another user
  /in #random, /in dm            be elsewhere
  /people                        who is here, and where one can go
  /look                          what is on the screen in this channel
{BUTTON_HELP}
{VOICE_HELP}
  /fault chat 503 always         let the AI service or voice fail: /fault lists how, /fault off ends it
  /log                           the last lines of the bot's log
  ?                              this, and the bot's commands
  /quit                          leave (also Ctrl-D, Ctrl-C)"""


class Repl:
    """Runs typed lines in a running sandbox; files from the bot are saved to `folder`."""

    def __init__(self, sandbox: Sandbox, output: TerminalOutput, folder: OutputFolder) -> None:
        self._sandbox = sandbox
        self._output = output
        output.set_names(sandbox.state.get_display_name)
        self._folder = folder
        self._user: ClientUser = sandbox.user("Ada")
        self._channel = self._user.channel()
        self._voice = VoiceCommands(sandbox, output, folder, lambda: self._user)
        self._buttons = ButtonCommands(
            output, lambda: self._user, lambda: self._user.sees(self._channel), self._watch_used
        )
        sandbox.openai.pace_s = PACE_S
        self._commands: dict[str, Callable[[str], Awaitable[None]]] = {
            "as": self._change_user,
            "in": self._change_channel,
            "people": self._show_people,
            "look": self._show_messages,
            "fault": self._set_fault,
            "log": self._show_log,
            "console": self._show_help,
            **self._buttons.commands,
            **self._voice.commands,
        }

    @property
    def prompt(self) -> str:
        """The prompt: the current user and channel."""
        return f"{self._user.name} {_format_channel(self._channel)}> "

    @property
    def completer(self) -> CommandCompleter:
        """Completion for what can be typed here."""
        return CommandCompleter(list(self._commands), self._sandbox.discord.commands.list_all)

    async def run(self, lines: LineReader) -> None:
        """Run line after line until the end of input or `/quit`."""
        self._output.line("You are in the sandbox. Type /ask hello, ? for what else there is, or /quit to leave.")
        while True:
            line = await lines.read(self.prompt)
            if line is None or line.strip() in ("/quit", "/exit"):
                return
            await self.run_line(line.strip())

    async def run_line(self, line: str) -> None:
        """Run a line; invalid input gets a sentence."""
        try:
            if line == "?":
                await self._show_help("")
            elif line.startswith("/"):
                await self._slash(line)
            elif line:
                await self._say(line)
        except InputError as mistake:
            self._output.line(f"  {mistake}")
        except ClientRejected as refusal:
            self._output.line(f"  Discord would not let you: {refusal}.")

    async def _slash(self, line: str) -> None:
        word, _, rest = line[1:].partition(" ")
        if word in self._commands:
            await self._commands[word](rest.strip())
            return
        typed = parse(line, self._sandbox.discord.commands.list_all())
        if not self._sandbox.bot_process.running:
            raise InputError("The bot is not running any more; /log shows the last it said.")
        options = {**typed.options, **self._files(typed)}
        used = await self._user.command(typed.name, options, channel=self._channel)
        await self._watch_used(used)
        self._buttons.show_modal(used)

    def _files(self, typed: ParsedCommand) -> dict[str, Attachment]:
        """Upload and return the files for attachment options, whose values are paths."""
        definition = list_commands(self._sandbox.discord.commands.list_all())[typed.name]
        files: dict[str, Attachment] = {}
        for option in definition.get("options", []):
            if option["type"] == ATTACHMENT and option["name"] in typed.options:
                path = Path(typed.options[option["name"]])
                try:
                    files[option["name"]] = self._user.uploads(path.name, path.read_bytes(), channel=self._channel)
                except OSError as reason:
                    raise InputError(f"That file can't be read: {reason.strerror}.") from None
        return files

    async def _say(self, line: str) -> None:
        state = self._sandbox.state
        text = MENTION.sub(f"<@{state.bot.id}>", line)
        said = MessageResult(await self._user.says(text, channel=self._channel), state)
        self._output.message(said.message)
        if self._sandbox.running and (text != line or self._channel.is_direct):
            await self._watch(said, lambda: bool(said.messages or said.reactions))

    async def _watch_used(self, used: InteractionResult) -> None:
        await self._watch(used, lambda: used.responded and not used.thinking)

    async def _watch(self, used: InteractionResult | MessageResult, answered: Callable[[], bool]) -> None:
        api = self._sandbox.openai
        before = len(api.requests)

        def done() -> bool:
            running = any(call.running for call in api.requests[before:])
            return used.failed or (answered() and not running)

        try:
            await self._output.watch(used, done, deadline_s=WATCH_TIMEOUT_S, quiet_s=QUIET_S)
        except TimeoutError:
            self._output.line("  Nothing more for two minutes. /look shows what comes later.")
        for attachment in [each for message in used.messages for each in message.attachments]:
            self._output.line(f"  saved as {self._folder.path / self._folder.save(attachment)}")

    async def _change_user(self, name: str) -> None:
        wanted = "Mo" if name.casefold() in ("moderator", "mod") else name
        names = self._list_names()
        found = next((each for each in names if each.casefold() == wanted.casefold()), None)
        if found is None:
            raise InputError(f"Say who to be: /as NAME. There are: {', '.join(names)}.")
        direct = self._channel.is_direct
        self._user = self._sandbox.user(found)
        if direct:
            self._channel = self._user.channel("dm")

    async def _change_channel(self, where: str) -> None:
        try:
            self._channel = self._user.channel(where or "#")
        except KeyError:
            raise InputError(f"Say where to go: /in #CHANNEL. There are: {', '.join(self._list_channels())}.") from None

    async def _show_people(self, _: str) -> None:
        for name in self._list_names():
            user = self._sandbox.user(name)
            held = self._sandbox.state.permissions(user.user, user.channel())
            rank = " (moderator)" if held & MODERATOR == MODERATOR else ""
            self._output.line(f"  {name}{rank}{self._voice.format_channel(user)}")
        self._output.line(f"  Places: {', '.join(self._list_channels())}")

    async def _show_messages(self, _: str) -> None:
        for message in self._user.sees(self._channel)[-SCREENFUL:]:
            self._output.message(message)

    async def _set_fault(self, words: str) -> None:
        faults = self._sandbox.openai.faults
        parts = words.split()
        if parts == ["off"]:
            faults.clear()
            faults.release()
            self._voice.clear_faults()
            self._output.line("  Nothing fails any more.")
            return
        if len(parts) == 2 and parts[0] == "voice":
            await self._voice.fail(parts[1])
            return
        if len(parts) not in (2, 3) or parts[0] not in set(CallKind):
            for kind in CallKind:
                self._output.line(f"  /fault {kind}: {', '.join(get_named_faults(kind))}")
            self._output.line(f"  /fault voice: {', '.join(self._voice.fault_names)}")
            return
        kind, known = CallKind(parts[0]), get_named_faults(CallKind(parts[0]))
        if parts[1] not in known:
            raise InputError(f"There is no such fault for {kind}. There are: {', '.join(known)}.")
        count = parts[2] if len(parts) == 3 else "1"
        if count == "always":
            faults.always(kind, known[parts[1]])
            self._output.line(f"  Every {kind} call will meet {parts[1]}, until /fault off.")
        elif count.isascii() and count.isdigit() and 0 < int(count) <= 1000:
            faults.next(kind, known[parts[1]], times=int(count))
            calls = f"{kind} call" if int(count) == 1 else f"{count} {kind} calls"
            self._output.line(f"  The next {calls} will meet {parts[1]}.")
        else:
            raise InputError("How often? A number up to 1000, or always.")

    async def _show_log(self, _: str) -> None:
        for line in list(self._sandbox.bot_process.log)[-20:]:
            self._output.line(f"  {line}")

    async def _show_help(self, _: str) -> None:
        self._output.line(HELP)
        self._output.line("  The bot's commands:")
        for path, definition in list_commands(self._sandbox.discord.commands.list_all()).items():
            self._output.line(f"    {format_usage(path, definition)}  ", (definition["description"], "dim"))

    def _list_names(self) -> list[str]:
        return [member.name for member in self._user.guild.members.values() if not member.user.bot]

    def _list_channels(self) -> list[str]:
        return [_format_channel(channel) for channel in self._user.guild.channels.values()] + ["dm"]


def _format_channel(channel: Channel) -> str:
    if channel.is_direct:
        return "dm"
    return channel.name if channel.is_voice else f"#{channel.name}"
