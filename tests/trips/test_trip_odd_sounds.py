"""Sound that isn't what it should be, in a voice channel: a sentence or a clean pause, never a stuck line."""

from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Body, Cut, Slow
from tests.support.correlation import find, resampled, samples_of, trimmed
from tests.support.listening import idle, in_the_lounge, silence
from tests.support.make_sound import mp3
from tests.support.trip_box import ANY_NUMBER, DEADLINE_S, OpenBox, use, whole


async def test_odd_sounds_end_in_a_sentence_and_leave_the_line_free(open_box: OpenBox) -> None:
    box = await open_box(ANY_NUMBER)
    (ada,) = await in_the_lounge(box, box.user("Ada"))
    for broken in (
        Body(b'{"error": "out of breath"}', "application/json"),
        Body(b"{}", "audio/mpeg"),
        Body(b"", "audio/mpeg"),
    ):
        box.openai.faults.next(CallKind.SPEECH, broken)
        used = await use(ada, "/say", text="What will this be?")
        assert used.messages[0].attachments == []
        assert used.text.startswith("The AI service")
        await idle(ada)
    assert len(box.voice.recording().speech) == 0

    box.openai.faults.next(CallKind.SPEECH, Cut(after=3, how="reset"))
    used = await use(ada, "/say", text="This breaks off somewhere in the middle of what there was to say. " * 3)
    assert used.text.startswith("I could only say the beginning.")
    heard = await silence(box)
    part = trimmed(samples_of(used.messages[0].attachments[0].data))
    assert find(part[: len(part) // 2], resampled(heard.pcm())).correlation > 0.8

    box.openai.faults.next(CallKind.SPEECH, Body(mp3(10.0) * 60, "audio/mpeg"))
    before = len(box.voice.recording())
    used = await ada.command("/say", text="Ten minutes.")
    await box.voice.until(lambda it: it.speech.seconds > 1, since=before, deadline_s=DEADLINE_S)
    await whole(used)
    assert (await use(ada, "/voice skip")).text == "Skipped."
    await silence(box, since=before)
    await idle(ada)

    before = len(box.voice.recording())
    box.openai.faults.next(CallKind.SPEECH, Slow(pace_s=1.4))  # 4 KiB at 48 kbit/s are 0.7 s of sound
    used = await use(ada, "/say", text="This one comes in at half the speed at which it is spoken, and arrives whole.")
    await idle(ada)
    heard = box.voice.recording(since=before)
    spoken = trimmed(samples_of(used.messages[0].attachments[0].data))
    parts = [spoken[at : at + 4_000] for at in range(0, len(spoken) - 4_000, 4_000)]
    found = [find(part, resampled(heard.speech.pcm())) for part in parts]
    assert [each.at_s for each in found] == sorted(each.at_s for each in found)
    assert heard.flaws == ()
    assert any(packet.silent for packet in heard.packets[:-5])
