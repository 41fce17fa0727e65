"""The bot in voice channels, heard from the other end: joining, saying, skipping, coming and going."""

import itertools
import re
from contextlib import suppress
from pathlib import Path

import pytest

from sandbox.bot_process import CHECKOUT
from sandbox.discord.permissions import Permission
from sandbox.discord.state import DiscordState
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Slow
from sandbox.sandbox import Sandbox
from tests.support.correlation import RATE, find, resampled, samples_of, trimmed
from tests.support.e2e import ANY_NUMBER, DEADLINE_S, OpenSandbox, all_of, run_command, wait_until_final
from tests.support.listening import LOUNGE, OTHER, in_the_lounge, silence

LONG = "This takes a while to say, and nobody is in a hurry to hear it to its end. " * 12


@pytest.mark.parametrize("dave", [False, True], ids=["plain", "encrypted"])
async def test_what_is_said_is_heard_whole_and_in_order_and_never_two_at_once(
    open_sandbox: OpenSandbox, dave: bool
) -> None:
    sandbox = await open_sandbox(ANY_NUMBER, dave=dave)
    people = [*(sandbox.user(name) for name in ("Ada", "Ben", "Cleo", "Mo")), sandbox.join("Dora")]
    await in_the_lounge(sandbox, *people)
    said = [await people[at % 5].command("/say", text=f"Number {at}.") for at in range(20)]
    await sandbox.voice.until(lambda it: it.speech.seconds > 1, deadline_s=DEADLINE_S)
    late = sandbox.join("Eve")
    late.joins_voice(LOUNGE)
    await all_of(map(wait_until_final, said))
    mp3s = [trimmed(samples_of(each.messages[0].attachments[0].data)) for each in said]
    wanted_s = sum(map(len, mp3s)) / RATE
    await sandbox.voice.until(lambda it: it.audible.speech.seconds >= wanted_s, deadline_s=wanted_s + DEADLINE_S)
    heard = await silence(sandbox)
    assert heard.flaws == ()
    assert heard.lost == 0
    assert all(len(heard.by(person.user.id)) == len(heard) for person in people)
    assert len(heard.by(late.user.id)) > len(heard) / 2
    found = [find(mp3, resampled(heard.pcm())) for mp3 in mp3s]
    assert min(each.correlation for each in found) > 0.9, found
    in_order = sorted(found, key=lambda each: each.at_s)
    for before, after in itertools.pairwise(in_order):
        assert before.at_s + before.seconds <= after.at_s + 0.05, found
    _look_at_the_process(sandbox)


def _look_at_the_process(sandbox: Sandbox) -> None:
    """No child process but those that look at files of others, and no libopus but the one in PyAV's wheel."""
    process = Path(f"/proc/{sandbox.bot_process.pid}")
    children: list[str] = []
    for task in process.glob("task/*"):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended since it was listed
            children += task.joinpath("children").read_text().split()
    commands = {command for child in children if (command := _command(child))}
    assert all(command[1:] == ["-m", "bot.worker"] for command in map(list, commands)), commands
    opus = {line.split()[-1] for line in process.joinpath("maps").read_text().splitlines() if "libopus" in line}
    assert opus
    assert all("av.libs" in library for library in opus)


def _command(pid: str) -> tuple[str, ...]:
    """Return the command line of a process; nothing once it has ended."""
    try:
        return tuple(Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1])
    except (FileNotFoundError, ProcessLookupError):
        return ()


async def test_speech_is_heard_while_the_file_is_still_coming(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox()
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    sandbox.openai.faults.next(CallKind.SPEECH, Slow(pace_s=0.3))
    used = await ada.command("/say", text=LONG)
    await sandbox.voice.until(lambda heard: heard.speech.seconds > 1, deadline_s=DEADLINE_S)
    assert used.thinking
    await run_command(ada, "/voice stop")
    await wait_until_final(used)


async def test_play_brings_it_along_and_off_keeps_it_quiet(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox()
    ada, ben = sandbox.user("Ada"), sandbox.user("Ben")
    nowhere = await run_command(ada, "/say", text="Hello.", play=True)
    assert nowhere.private
    assert nowhere.text == "Join a voice channel first, then I can speak there."
    in_private = await run_command(ada, "/say", text="Hello.", play=True, channel="dm")
    assert in_private.text == "That only works in a server."
    ada.joins_voice(LOUNGE)
    quiet = await run_command(ada, "/say", text="Not for everyone.")
    assert quiet.messages[0].attachments
    assert sandbox.voice.call() is None
    await run_command(ada, "/say", text="Hello.", play=True)
    await silence(sandbox)
    heard = len(sandbox.voice.recording())
    await run_command(ada, "/say", text="I keep this to myself.", play=False)
    await run_command(ben, "/say", text="I am not even there.")
    ben.joins_voice(OTHER)
    elsewhere = await run_command(ben, "/say", text="Come here.", play=True)
    assert elsewhere.private
    assert "at the moment" in elsewhere.text
    assert len(sandbox.voice.recording()) == heard
    ada.leaves_voice()
    await run_command(ben, "/say", text="Nobody listens to you there.", play=True)
    await silence(sandbox, since=heard)
    assert {each.channel_id for each in sandbox.voice.recording(since=heard).speech.packets} == {ben.channel(OTHER).id}


async def test_skip_and_stop_act_on_what_is_ones_own(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox()
    ada, ben, mo = await in_the_lounge(sandbox, *(sandbox.user(name) for name in ("Ada", "Ben", "Mo")))
    hers = await ada.command("/say", text=LONG)
    await sandbox.voice.until(lambda heard: len(heard.speech) > 20, deadline_s=DEADLINE_S)
    his = await ben.command("/say", text=f"Ben's turn. {LONG}")
    await all_of(map(wait_until_final, (hers, his)))
    queue = (await run_command(ben, "/voice queue")).text.splitlines()
    assert re.fullmatch(r"\*\*Now\*\* Ada: “This takes a while to say, .*…” \(\d+ (s|min \d+ s)\)", queue[0])
    assert queue[1].startswith("1. Ben: “Ben's turn.")
    refused = await run_command(ben, "/voice skip")
    assert refused.private
    assert refused.text == "This one is Ada's. You can skip your own; moderators can skip everything."
    assert (await run_command(ada, "/voice skip")).text == "Skipped."
    assert (await run_command(mo, "/voice queue")).text.startswith("**Now** Ben")
    assert (await run_command(ada, "/voice stop")).text == "There was nothing of yours to stop."
    assert (await run_command(mo, "/voice stop")).text == "Stopped."
    heard = await silence(sandbox)
    assert heard.speech.seconds < 30
    assert (await run_command(ada, "/voice queue")).text == "I'm not saying anything, and nothing is waiting."
    for person in (ada, mo):
        person.leaves_voice()
    await run_command(ben, "/say", text=LONG)
    assert (await run_command(ben, "/voice skip")).text == "Skipped."


@pytest.mark.parametrize(
    ("channel", "lacks", "sentence"),
    [
        (LOUNGE, Permission.VIEW_CHANNEL, "I need the **View Channel** permission in <#"),
        (LOUNGE, Permission.CONNECT, "I need the **Connect** permission in <#"),
        (LOUNGE, Permission.SPEAK, "I need the **Speak** permission in <#"),
        ("Stage", None, "I need the **Mute Members** permission in <#"),
        ("Small room", None, "is full, so I can't join."),
    ],
    ids=["unseen", "no way in", "mute", "stage", "full"],
)
async def test_each_lack_has_its_sentence(
    open_sandbox: OpenSandbox, channel: str, lacks: Permission | None, sentence: str
) -> None:
    state = DiscordState()
    guild = state.populate()
    if lacks is not None:
        state.overwrite(guild.channel(channel), guild.members[state.bot.id], deny=lacks)
    sandbox = await open_sandbox(state=state)
    ada = sandbox.user("Ada")
    ada.joins_voice(channel)
    for used in (await run_command(ada, "/voice join"), await run_command(ada, "/say", text="Hello.", play=True)):
        assert used.private
        assert sentence in used.text
    assert sandbox.voice.call() is None
    assert sandbox.openai.calls(CallKind.SPEECH) == []


async def test_coming_and_going(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox()
    ada, ben, mo = (sandbox.user(name) for name in ("Ada", "Ben", "Mo"))
    assert (await run_command(ada, "/voice join")).text == "Join a voice channel first, then I can speak there."
    assert (await run_command(ada, "/voice leave")).text.startswith("I'm not in a voice channel here.")
    refused = await wait_until_final(await ada.command("/voice join", {"channel": ada.channel(LOUNGE)}))
    assert refused.text.startswith(
        f"You need the **Move Members** permission in <#{ada.channel(LOUNGE).id}> to do that."
    )
    ada.joins_voice(LOUNGE)
    ben.joins_voice(OTHER)
    await wait_until_final(await mo.command("/voice join", {"channel": mo.channel(OTHER)}))
    assert sandbox.voice.call() is not None
    left = await run_command(ada, "/voice leave")
    assert left.text.startswith(f"You need the **Move Members** permission in <#{ada.channel(OTHER).id}> to do that.")
    ada.joins_voice(OTHER)
    assert (await run_command(ada, "/voice leave")).text == "I've left the voice channel."
    assert sandbox.voice.call() is None


async def test_it_leaves_when_nobody_listens_or_nothing_is_said_and_joins_nothing_by_itself(
    open_sandbox: OpenSandbox,
) -> None:
    sandbox = await open_sandbox({"VOICE_ALONE_SECONDS": "1", "VOICE_IDLE_SECONDS": "3"})
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    assert sandbox.voice.call() is not None
    await sandbox.voice.changed.until(
        lambda: sandbox.voice.call() is None, deadline_s=DEADLINE_S, what="leaving an idle channel"
    )
    await run_command(ada, "/voice join")
    ada.leaves_voice()
    await sandbox.voice.changed.until(
        lambda: sandbox.voice.call() is None, deadline_s=DEADLINE_S, what="leaving when alone"
    )
    ada.joins_voice(LOUNGE)
    await run_command(ada, "/voice join")
    await sandbox.restart()
    used = await run_command(ada, "/voice queue")
    assert used.text.startswith("I'm not in a voice channel here.")
    assert sandbox.voice.call() is None


async def test_where_a_library_is_missing_the_rest_works(open_sandbox: OpenSandbox, tmp_path: Path) -> None:
    tmp_path.joinpath("davey.py").write_text("raise ImportError('not here')")
    sandbox = await open_sandbox({"PYTHONPATH": f"{tmp_path}:{CHECKOUT}"})
    ada = sandbox.user("Ada")
    ada.joins_voice(LOUNGE)
    for used in (await run_command(ada, "/voice join"), await run_command(ada, "/say", text="Hello.", play=True)):
        assert used.text.startswith("I can't speak in voice channels yet.")
        assert "`python -m bot check`" in used.text
    assert used.messages[0].attachments
    assert (await run_command(ada, "/voice queue")).text.startswith("I'm not in a voice channel here.")
