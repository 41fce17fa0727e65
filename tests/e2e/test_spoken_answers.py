"""/ask speak: an answer read out while it is being written."""

from sandbox.discord.messages import Message
from sandbox.discord.permissions import Permission
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import Slow, Status
from sandbox.sandbox import Sandbox
from tests.support.correlation import find, resampled, samples_of, trimmed
from tests.support.e2e import (
    ANY_NUMBER,
    DEADLINE_S,
    INTERRUPTED,
    OpenSandbox,
    ask,
    is_streaming,
    question_contains,
    run_command,
    wait_until_final,
    wait_until_started,
)
from tests.support.listening import idle, in_the_lounge, silence

SENTENCES = [
    "The tide comes in twice a day.",
    "It stays for a while up there.",
    "Then it goes out again slowly.",
    "All of that is the moon's work.",
]


def _said(sandbox: Sandbox) -> list[str]:
    return [call.body["input"] for call in sandbox.openai.calls(CallKind.SPEECH)]


async def test_the_first_sentence_is_heard_before_the_answer_is_complete(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    words = " ".join(SENTENCES).split(" ")
    sandbox.openai.script([f"{word} " for word in words], when=question_contains("tides"), times=None)
    sandbox.openai.faults.always(CallKind.CHAT, Slow(pace_s=0.3))
    used = await ada.command("/ask", prompt="What of the tides?", speak=True)
    await sandbox.voice.until(lambda heard: heard.speech.seconds > 0.5, deadline_s=DEADLINE_S)
    assert is_streaming(used) or used.thinking
    assert len(_said(sandbox)) < len(SENTENCES)
    await wait_until_final(used)
    assert used.text.split() == words
    await sandbox.voice.changed.until(
        lambda: len(_said(sandbox)) == len(SENTENCES), deadline_s=DEADLINE_S, what="all sentences"
    )
    assert _said(sandbox) == SENTENCES
    voices = sandbox.openai.voices
    spoken = [trimmed(samples_of(await voices.speak(sentence, "alloy"))) for sentence in SENTENCES]
    wanted_s = sum(map(len, spoken)) / 8_000
    await sandbox.voice.until(lambda heard: heard.speech.seconds >= wanted_s, deadline_s=wanted_s + DEADLINE_S)
    sound = resampled((await silence(sandbox)).pcm())
    found = [find(sentence, sound) for sentence in spoken]
    assert min(each.correlation for each in found) > 0.6, found
    assert [each.at_s for each in found] == sorted(each.at_s for each in found)


async def test_what_goes_wrong_with_the_voice_leaves_the_text_alone(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox({**ANY_NUMBER, "QUOTA_MEMBER_SPEECH_CHARACTERS_PER_DAY": "80"})
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    sandbox.openai.script([f"{each} " for each in SENTENCES], when=question_contains("tides"), times=None)
    sandbox.openai.faults.always(CallKind.SPEECH, Status(500))
    used = await ask(ada, "What of the tides?", speak=True)
    await used.until(lambda each: len(each.messages) == 2, deadline_s=DEADLINE_S)
    assert used.messages[0].content == " ".join(SENTENCES)
    assert used.messages[1].ephemeral
    assert used.messages[1].content.startswith("I couldn't say all of it aloud. The AI service has a problem")
    sandbox.openai.faults.clear()
    used = await ask(ada, "What of the tides again?", speak=True)
    await used.until(lambda each: len(each.messages) == 2, deadline_s=DEADLINE_S)
    assert used.messages[0].content == " ".join(SENTENCES)
    assert "I couldn't say all of it aloud. " in used.messages[1].content
    assert "<t:" in used.messages[1].content
    heard = await silence(sandbox)
    assert heard.speech.seconds < 6


async def test_an_answer_that_ends_early_falls_silent_and_so_does_one_that_is_skipped(
    open_sandbox: OpenSandbox,
) -> None:
    sandbox = await open_sandbox({**ANY_NUMBER, "SHUTDOWN_GRACE_SECONDS": "1"})
    (ada,) = await in_the_lounge(sandbox, sandbox.user("Ada"))
    sandbox.openai.script([f"{each} " for each in SENTENCES * 15], when=question_contains("tides"), times=None)
    sandbox.openai.faults.always(CallKind.CHAT, Slow(pace_s=0.1))
    used = await ada.command("/ask", prompt="What of the tides?", speak=True)
    await sandbox.voice.until(lambda heard: heard.speech.seconds > 1, deadline_s=DEADLINE_S)
    assert (await run_command(ada, "/voice skip")).text == "Skipped."
    await wait_until_final(used)
    assert used.text.split() == " ".join(SENTENCES * 15).split()
    assert len(_said(sandbox)) < 15
    before = len(sandbox.voice.recording())
    used = await ada.command("/ask", prompt="And what of the tides now?", speak=True)
    await sandbox.voice.until(lambda heard: heard.speech.seconds > 1, since=before, deadline_s=DEADLINE_S)
    await wait_until_started(used)
    assert await sandbox.bot_process.stop() == 0
    assert INTERRUPTED in used.text
    assert sandbox.voice.call() is None


async def test_private_answers_are_not_spoken_nor_any_without_a_listener(open_sandbox: OpenSandbox) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    ada = sandbox.user("Ada")
    both = await run_command(ada, "/ask", prompt="Hello?", private=True, speak=True)
    assert both.private
    assert "never spoken" in both.text
    nowhere = await run_command(ada, "/ask", prompt="Hello?", speak=True)
    assert nowhere.private
    assert nowhere.text == "Join a voice channel first, then I can speak there."
    assert sandbox.openai.calls(CallKind.CHAT) == []


async def test_an_answer_is_read_aloud_where_one_listens_unless_somebody_there_may_not_see_it(
    open_sandbox: OpenSandbox,
) -> None:
    sandbox = await open_sandbox(ANY_NUMBER)
    ada, ben = await in_the_lounge(sandbox, sandbox.user("Ada"), sandbox.user("Ben"))
    sandbox.openai.script("The moon does it.", when=question_contains("tides"), times=None)
    answer = (await ask(ada, "What of the tides?")).messages[0]
    own = (await ask(ada, "What of the tides?", private=True)).messages[0]

    async def read_aloud(message: Message) -> bool:
        """Press the button, get the MP3, and tell whether anything is to be heard as well."""
        heard = len(sandbox.voice.recording())
        sound = await wait_until_final(await ada.clicks(message, "Read aloud"))
        assert (sound.private, sound.messages[0].attachments[0].filename) == (True, "speech.mp3")
        await idle(ada)
        return sandbox.voice.recording(since=heard).speech.seconds > 0

    assert await read_aloud(answer)
    assert not await read_aloud(own)
    sandbox.state.overwrite(ada.channel(), ada.guild.members[ben.id], deny=Permission.VIEW_CHANNEL)
    sandbox.discord.gateway.dispatch_channel(ada.channel())
    assert not await read_aloud(answer)
    assert len(_said(sandbox)) == 3
