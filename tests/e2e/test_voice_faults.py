"""What becomes of the bot's voice when a connection breaks, and when somebody moves it or takes it out."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from sandbox.client.user import ClientUser
from sandbox.discord.messages import Message
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Status
from sandbox.sandbox import Sandbox
from tests.support.correlation import resampled
from tests.support.e2e import ANY_NUMBER, DEADLINE_S, OpenSandbox, run_command
from tests.support.listening import OTHER, has_left, idle, in_the_lounge, is_whole, late_packets, silence, speaking

DROPPED = "so I've cleared the queue."


async def _wait_for_message(sandbox: Sandbox, person: ClientUser, words: str) -> Message:
    """Wait for a word in the channel where the bot was called."""

    def found() -> Message | None:
        return next((each for each in person.sees("#general") if words in each.content), None)

    return await sandbox.traffic_log.changed.until(found, deadline_s=DEADLINE_S, what=words)


async def test_a_lost_connection_is_made_anew_and_goes_on_at_the_packet_reached(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    losses: list[Callable[[], None]] = [
        *(lambda code=code: sandbox.voice.end(code) for code in (4006, 4009, 4015)),
        lambda: sandbox.voice.abort(),
    ]
    left: tuple[int, int] | None = None
    for lose in losses:
        used, before = await speaking(sandbox, ada)
        late = late_packets(sandbox, before)
        lose()
        await sandbox.voice.until(
            lambda it: len({each.call for each in it.speech.packets}) == 2, since=before, deadline_s=DEADLINE_S
        )
        heard = await silence(sandbox, since=before)
        late = late_packets(sandbox, before) - late
        await is_whole(used, resampled(heard.audible.pcm()), lost_s=0.5, late=late)
        assert heard.flaws == ()
        left = left or _left_behind(sandbox)
    assert left is not None
    async with asyncio.timeout(DEADLINE_S):
        # A thread takes a moment to end.
        while any(now > most for now, most in zip(_left_behind(sandbox), (left[0], 1), strict=True)):
            await run_command(ada, "/voice queue")


async def test_another_server_and_another_channel_do_not_interrupt_it(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    mo = sandbox.user("Mo")
    used, before = await speaking(sandbox, ada)
    await sandbox.voice.relocate_server()
    heard = await silence(sandbox, since=before)
    await is_whole(used, resampled(heard.audible.pcm()), lost_s=0.5, late=late_packets(sandbox, before))
    mo.joins_voice(OTHER)
    used, before = await speaking(sandbox, ada)
    mo.moves_bot(OTHER)
    heard = await silence(sandbox, since=before)
    await is_whole(used, resampled(heard.audible.pcm()), lost_s=0.5, late=late_packets(sandbox, before))
    assert len(heard.by(mo.user.id)) > 50
    queue = await run_command(ada, "/voice queue")
    assert queue.text == "I'm not saying anything, and nothing is waiting."


async def test_taken_out_it_drops_the_line_and_says_so_where_it_was_called(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    mo = sandbox.user("Mo")
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    await speaking(sandbox, ada)
    mo.kicks_bot()
    await has_left(sandbox)
    message = await _wait_for_message(sandbox, ada, DROPPED)
    assert message.content == "I was removed from the voice channel, so I've cleared the queue."
    assert (await run_command(ada, "/voice queue")).text.startswith("I'm not in a voice channel here.")
    before = len(sandbox.voice.recording())
    await run_command(ada, "/say", text="Nobody hears this.")
    assert len(sandbox.voice.recording()) == before
    await run_command(ada, "/voice join")
    await speaking(sandbox, ada)
    mo.deletes_channel("Lounge")
    await has_left(sandbox)
    await _wait_for_message(sandbox, ada, "The voice channel was deleted")


@pytest.mark.parametrize(
    ("code", "words"),
    [(4014, "Discord ended my voice connection"), (4017, "end-to-end encryption"), (4021, "connect less often")],
)
async def test_it_leaves_for_good_where_connecting_anew_is_no_use(
    open_sandbox: OpenSandbox, code: int, words: str
) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    await speaking(sandbox, ada)
    sandbox.voice.end(code)
    await _wait_for_message(sandbox, ada, words)
    assert sandbox.voice.call() is None
    assert (await run_command(ada, "/voice queue")).text.startswith("I'm not in a voice channel here.")
    await run_command(ada, "/voice join")
    await speaking(sandbox, ada)


async def test_a_refused_voice_connection_shows_an_error_and_leaves_nothing(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    ada = sandbox.user("Ada")
    ada.joins_voice("Lounge")
    for code, words in ((4017, "end-to-end encryption"), (4021, "connect less often"), (4006, "I couldn't join")):
        sandbox.voice.faults.close_next(code)
        used = await run_command(ada, "/voice join")
        assert words in used.text
        assert sandbox.voice.call() is None
    sandbox.voice.faults.close_next(4006)
    said = await run_command(ada, "/say", text="At least the file.", play=True)
    assert said.messages[0].attachments
    assert "I couldn't join" in said.text
    await run_command(ada, "/voice join")
    await speaking(sandbox, ada)


async def test_a_join_that_is_broken_off_bars_no_later_one_and_leaves_nothing(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    ada = sandbox.user("Ada")
    ada.joins_voice("Lounge")
    before = _left_behind(sandbox)
    assert before[1] == 0
    sandbox.voice.faults.leave_unanswered("gateway")
    sandbox.openai.faults.next(CallKind.CHAT, Status(400))
    used = await run_command(ada, "/ask", prompt="Nobody will ever hear this?", speak=True)
    assert used.text.startswith("The AI service")
    async with asyncio.timeout(DEADLINE_S):
        while _left_behind(sandbox) != before:  # a thread takes a moment to end
            await run_command(ada, "/voice queue")
    assert (await run_command(ada, "/voice join")).text.startswith("I'm in <#")


async def test_dead_udp_is_not_noticed_and_leaves_nothing_behind(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    sandbox.voice.close_udp()
    await run_command(ada, "/say", text="Nobody hears this.")
    await idle(ada)
    await sandbox.voice.open_udp()
    await run_command(ada, "/say", text="But this.")
    await silence(sandbox)


def _left_behind(sandbox: Sandbox) -> tuple[int, int]:
    """Count the threads and the UDP sockets of the bot; of HTTP connections it keeps as many as it needed at once."""
    process = Path(f"/proc/{sandbox.bot_process.pid}")
    datagrams = {line.split()[9] for line in process.joinpath("net/udp").read_text().splitlines()[1:]}
    links: list[str] = []
    for each in process.joinpath("fd").iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed
            links.append(str(each.readlink()))
    open_here = {link.removeprefix("socket:[").removesuffix("]") for link in links}
    return len(list(process.glob("task/*"))), len(datagrams & open_here)
