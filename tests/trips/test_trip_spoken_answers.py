"""/ask speak: an answer read out while it is being written."""

from sandbox.discord.messages import Message
from sandbox.discord.permissions import Permission
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Slow, Status
from sandbox.sandbox import Sandbox
from tests.support.correlation import find, resampled, samples_of, trimmed
from tests.support.listening import idle, in_the_lounge, silence
from tests.support.trip_box import ANY_NUMBER, DEADLINE_S, OpenBox, ask, begun, being_written, is_about, use, whole

SENTENCES = [
    "The tide comes in twice a day.",
    "It stays for a while up there.",
    "Then it goes out again slowly.",
    "All of that is the moon's work.",
]


def _said(box: Sandbox) -> list[str]:
    return [call.body["input"] for call in box.openai.calls(CallKind.SPEECH)]


async def test_the_first_sentence_is_heard_before_the_answer_is_complete(open_box: OpenBox) -> None:
    box = await open_box(ANY_NUMBER)
    (ada,) = await in_the_lounge(box, box.user("Ada"))
    words = " ".join(SENTENCES).split(" ")
    box.openai.script([f"{word} " for word in words], when=is_about("tides"), times=None)
    box.openai.faults.always(CallKind.CHAT, Slow(pace_s=0.3))
    used = await ada.command("/ask", prompt="What of the tides?", speak=True)
    await box.voice.until(lambda heard: heard.speech.seconds > 0.5, deadline_s=DEADLINE_S)
    assert being_written(used) or used.thinking
    assert len(_said(box)) < len(SENTENCES)
    await whole(used)
    assert used.text.split() == words
    await box.voice.changed.until(
        lambda: len(_said(box)) == len(SENTENCES), deadline_s=DEADLINE_S, what="all sentences"
    )
    assert _said(box) == SENTENCES
    voices = box.openai.voices
    spoken = [trimmed(samples_of(await voices.speak(sentence, "alloy"))) for sentence in SENTENCES]
    wanted_s = sum(map(len, spoken)) / 8_000
    await box.voice.until(lambda heard: heard.speech.seconds >= wanted_s, deadline_s=wanted_s + DEADLINE_S)
    sound = resampled((await silence(box)).pcm())
    found = [find(sentence, sound) for sentence in spoken]
    assert min(each.correlation for each in found) > 0.6, found
    assert [each.at_s for each in found] == sorted(each.at_s for each in found)


async def test_what_goes_wrong_with_the_voice_leaves_the_text_alone(open_box: OpenBox) -> None:
    box = await open_box({**ANY_NUMBER, "QUOTA_MEMBER_SPEECH_CHARACTERS_PER_DAY": "80"})
    (ada,) = await in_the_lounge(box, box.user("Ada"))
    box.openai.script([f"{each} " for each in SENTENCES], when=is_about("tides"), times=None)
    box.openai.faults.always(CallKind.SPEECH, Status(500))
    used = await ask(ada, "What of the tides?", speak=True)
    await used.until(lambda each: len(each.messages) == 2, deadline_s=DEADLINE_S)
    assert used.messages[0].content == " ".join(SENTENCES)
    assert used.messages[1].ephemeral
    assert used.messages[1].content.startswith("I couldn't say all of it aloud. The AI service has trouble")
    box.openai.faults.clear()
    used = await ask(ada, "What of the tides again?", speak=True)
    await used.until(lambda each: len(each.messages) == 2, deadline_s=DEADLINE_S)
    assert used.messages[0].content == " ".join(SENTENCES)
    assert "I couldn't say all of it aloud. " in used.messages[1].content
    assert "<t:" in used.messages[1].content
    heard = await silence(box)
    assert heard.speech.seconds < 6


async def test_an_answer_that_ends_early_falls_silent_and_so_does_one_that_is_skipped(open_box: OpenBox) -> None:
    box = await open_box({**ANY_NUMBER, "SHUTDOWN_GRACE_SECONDS": "1"})
    (ada,) = await in_the_lounge(box, box.user("Ada"))
    box.openai.script([f"{each} " for each in SENTENCES * 15], when=is_about("tides"), times=None)
    box.openai.faults.always(CallKind.CHAT, Slow(pace_s=0.1))
    used = await ada.command("/ask", prompt="What of the tides?", speak=True)
    await box.voice.until(lambda heard: heard.speech.seconds > 1, deadline_s=DEADLINE_S)
    assert (await use(ada, "/voice skip")).text == "Skipped."
    await whole(used)
    assert used.text.split() == " ".join(SENTENCES * 15).split()
    assert len(_said(box)) < 15
    before = len(box.voice.recording())
    used = await ada.command("/ask", prompt="And what of the tides now?", speak=True)
    await box.voice.until(lambda heard: heard.speech.seconds > 1, since=before, deadline_s=DEADLINE_S)
    await begun(used)
    assert await box.bot_process.stop() == 0
    assert "I was interrupted here" in used.text
    assert box.voice.call() is None


async def test_private_answers_are_not_spoken_nor_any_without_a_listener(open_box: OpenBox) -> None:
    box = await open_box(ANY_NUMBER)
    ada = box.user("Ada")
    both = await use(ada, "/ask", prompt="Hello?", private=True, speak=True)
    assert both.private
    assert "never spoken" in both.text
    nowhere = await use(ada, "/ask", prompt="Hello?", speak=True)
    assert nowhere.private
    assert nowhere.text == "Join a voice channel first, then I can speak there."
    assert box.openai.calls(CallKind.CHAT) == []


async def test_an_answer_is_read_aloud_where_one_listens_unless_somebody_there_may_not_see_it(
    open_box: OpenBox,
) -> None:
    box = await open_box(ANY_NUMBER)
    ada, ben = await in_the_lounge(box, box.user("Ada"), box.user("Ben"))
    box.openai.script("The moon does it.", when=is_about("tides"), times=None)
    answer = (await ask(ada, "What of the tides?")).messages[0]
    own = (await ask(ada, "What of the tides?", private=True)).messages[0]

    async def read_aloud(message: Message) -> bool:
        """Press the button, get the MP3, and tell whether anything is to be heard as well."""
        heard = len(box.voice.recording())
        sound = await whole(await ada.clicks(message, "Read aloud"))
        assert (sound.private, sound.messages[0].attachments[0].filename) == (True, "speech.mp3")
        await idle(ada)
        return box.voice.recording(since=heard).speech.seconds > 0

    assert await read_aloud(answer)
    assert not await read_aloud(own)
    box.state.overwrite(ada.channel(), ada.guild.members[ben.id], deny=Permission.VIEW_CHANNEL)
    box.discord.gateway.dispatch_channel(ada.channel())
    assert not await read_aloud(answer)
    assert len(_said(box)) == 3
