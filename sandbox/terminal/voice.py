"""The prompt's commands for voice: join, leave, listen, and request faults."""

import functools
from collections.abc import Awaitable, Callable, Sequence

from sandbox.client.user import ClientUser
from sandbox.discord.voice.service import find_missing_packages
from sandbox.sandbox import Sandbox
from sandbox.terminal.output import TerminalOutput
from sandbox.terminal.output_folder import OutputFolder
from sandbox.terminal.parser import InputError

VOICE_HELP = """\
  /join Lounge                   come into a voice channel; /leave goes out again
  /hear                          save what was heard of the bot since the last time
  /move Other lounge, /kick      put the bot elsewhere or out of voice, as a moderator"""

CODES = (4006, 4009, 4014, 4015, 4017, 4021)


class VoiceCommands:
    """Runs the commands for voice; `get_user` returns the current user."""

    def __init__(
        self, sandbox: Sandbox, output: TerminalOutput, folder: OutputFolder, get_user: Callable[[], ClientUser]
    ) -> None:
        self._sandbox = sandbox
        self._voice = sandbox.voice
        self._output = output
        self._folder = folder
        self._get_user = get_user
        self._heard = 0
        self.commands: dict[str, Callable[[str], Awaitable[None]]] = {
            "join": self._join,
            "leave": self._leave,
            "hear": self._hear,
            "move": self._move,
            "kick": self._kick,
        }
        self._faults: dict[str, Callable[[], Awaitable[None] | None]] = {
            **{str(code): functools.partial(self._voice.end, code) for code in CODES},
            "cut": self._voice.abort,
            "moved": self._voice.relocate_server,
            "lost": self._lose,
            "refused": lambda: self._voice.faults.close_next(4006),
            "unanswered": lambda: self._voice.faults.leave_unanswered("gateway"),
        }

    @property
    def fault_names(self) -> Sequence[str]:
        """The names of the voice faults."""
        return list(self._faults)

    async def fail(self, name: str) -> None:
        """Cause a voice fault.

        Raises:
            InputError: there is no such fault, or it is not possible now.
        """
        if name not in self._faults:
            raise InputError(f"There is no such fault for voice. There are: {', '.join(self._faults)}.")
        try:
            done = self._faults[name]()
            if done is not None:
                await done
        except ValueError as reason:
            raise InputError(f"That can't happen now: {reason}.") from None
        later = name in ("refused", "unanswered")
        self._output.line(f"  {'The next connection' if later else 'The voice connection'} meets {name}.")

    def clear_faults(self) -> None:
        """Remove all voice faults."""
        self._voice.faults.clear()

    def format_channel(self, user: ClientUser) -> str:
        """Return a user's voice channel in parentheses; empty for none."""
        voice_state = user.guild.voice_states.get(user.id)
        return "" if voice_state is None else f" (in {voice_state.channel.name})"

    def _lose(self) -> None:
        self._voice.faults.losing = True

    async def _join(self, where: str) -> None:
        if not self._sandbox.discord.has_voice:
            raise InputError(
                f"There is no voice here: it needs {', '.join(find_missing_packages()) or 'to be switched on'}."
            )
        user = self._get_user()
        channels = [channel.name for channel in user.guild.channels.values() if channel.is_voice]
        found = next((name for name in channels if name.casefold() == where.casefold()), None)
        if found is None:
            raise InputError(f"Say where to go: /join CHANNEL. There are: {', '.join(channels)}.")
        user.joins_voice(found)
        self._output.line(f"  {user.name} is in {found}.")

    async def _leave(self, _: str) -> None:
        user = self._get_user()
        if user.id not in user.guild.voice_states:
            raise InputError(f"{user.name} is in no voice channel.")
        user.leaves_voice()
        self._output.line(f"  {user.name} is out of voice.")

    async def _move(self, where: str) -> None:
        user = self._get_user()
        try:
            user.moves_bot(where)
        except KeyError:
            raise InputError("Say where to put it: /move CHANNEL.") from None
        self._output.line(f"  The bot is in {where}.")

    async def _kick(self, _: str) -> None:
        self._get_user().kicks_bot()
        self._output.line("  The bot is out of voice.")

    async def _hear(self, _: str) -> None:
        heard = self._voice.recording(self._get_user().guild, since=self._heard)
        self._heard += len(heard)
        audible = heard.audible
        if not len(audible):
            why = sorted({packet.unheard for packet in heard.packets if packet.unheard})
            raise InputError(f"No one heard anything: {', '.join(why)}." if why else "Nothing was to be heard.")
        path = self._folder.get_free_path("heard.wav")
        seconds = audible.save(path)
        stalls = len(audible.gaps())
        self._output.line(
            f"  saved as {path}: {seconds:.1f} s, {stalls or 'no'} {'stall' if stalls == 1 else 'stalls'}"
        )
