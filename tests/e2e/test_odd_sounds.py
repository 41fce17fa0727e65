"""Sound that isn't what it should be, in a voice channel: a sentence or a clean pause, never a stuck line."""

from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Body, Cut, Slow
from tests.support.correlation import find, resampled, samples_of, trimmed
from tests.support.e2e import ANY_NUMBER, DEADLINE_S, OpenSandbox, run_command, wait_until_final
from tests.support.listening import idle, in_the_lounge, silence
from tests.support.make_sound import mp3


async def test_odd_sounds_end_in_a_sentence_and_leave_the_line_free(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    for broken in (
        Body(b'{"error": "out of breath"}', "application/json"),
        Body(b"{}", "audio/mpeg"),
        Body(b"", "audio/mpeg"),
    ):
        sandbox.openai.faults.next(CallKind.SPEECH, broken)
        used = await run_command(ada, "/say", text="What will this be?")
        assert used.messages[0].attachments == []
        assert used.text.startswith("The AI service")
        await idle(ada)
    assert len(sandbox.voice.recording().speech) == 0

    sandbox.openai.faults.next(CallKind.SPEECH, Cut(after=3, how="reset"))
    used = await run_command(ada, "/say", text="This breaks off somewhere in the middle of what there was to say. " * 3)
    assert used.text.startswith("I could only say the beginning.")
    heard = await silence(sandbox)
    part = trimmed(samples_of(used.messages[0].attachments[0].data))
    assert find(part[: len(part) // 2], resampled(heard.pcm())).correlation > 0.8

    sandbox.openai.faults.next(CallKind.SPEECH, Body(mp3(10.0) * 60, "audio/mpeg"))
    before = len(sandbox.voice.recording())
    used = await ada.command("/say", text="Ten minutes.")
    await sandbox.voice.until(lambda it: it.speech.seconds > 1, since=before, deadline_s=DEADLINE_S)
    await wait_until_final(used)
    assert (await run_command(ada, "/voice skip")).text == "Skipped."
    await silence(sandbox, since=before)
    await idle(ada)

    before = len(sandbox.voice.recording())
    sandbox.openai.faults.next(CallKind.SPEECH, Slow(pace_s=1.4))  # 4 KiB at 48 kbit/s are 0.7 s of sound
    used = await run_command(
        ada, "/say", text="This one comes in at half the speed at which it is spoken, and arrives whole."
    )
    await idle(ada)
    heard = sandbox.voice.recording(since=before)
    spoken = trimmed(samples_of(used.messages[0].attachments[0].data))
    parts = [spoken[at : at + 4_000] for at in range(0, len(spoken) - 4_000, 4_000)]
    found = [find(part, resampled(heard.speech.pcm())) for part in parts]
    assert [each.at_s for each in found] == sorted(each.at_s for each in found)
    assert heard.flaws == ()
    assert any(packet.silent for packet in heard.packets[:-5])
