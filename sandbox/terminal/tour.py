"""A conversation that plays by itself; each step checks what members see and what the AI service was asked."""

import io
import re
import time
from collections.abc import Awaitable, Callable

from sandbox.client.components import find_buttons
from sandbox.client.interaction_result import InteractionResult, NotAcknowledged
from sandbox.client.options import ClientRejected
from sandbox.discord.messages import Attachment
from sandbox.discord.voice.recording import Recording
from sandbox.openai.calls import ApiCall, CallKind
from sandbox.openai.faults import Slow, Stall, Status
from sandbox.openai.server import OpenAiServer
from sandbox.sandbox import Sandbox
from sandbox.terminal.output import TerminalOutput
from sandbox.terminal.output_folder import OutputFolder

IMAGES_PER_DAY = 1
"""The limit that the moderator sets in the tour."""

PACE_S = 0.02  # between two deltas, slow enough to read along
LONG_ANSWER_SPEEDUP = 7
STEP_WITHIN_S = 30.0
FOLD = 4  # lines that are shown of a long message

STOP_AFTER_CHARACTERS = 80
"""The length of an answer at which it is stopped."""

VOICE_CHANNEL = "Lounge"
HEARD_SHARE = 0.9
"""The share of a sound that has to be heard: an MP3 has silence at its ends, which is not sent."""

FIRST_QUESTION = "How do the tides work?"
REPLY = "Is that so in every sea?"
SMALL_MODEL = "gpt-4.1-mini"
PERSONA = "You keep a lighthouse and talk like it."

_FENCE = re.compile(r"^\s*`{3,}.*$", re.MULTILINE)
_WORD = re.compile(r"\w+|✍")  # with the progress marker: an answer with it is not complete


class StepFailed(Exception):
    """A step that failed."""


def check(condition: object, complaint: str) -> None:
    """Raise `StepFailed` with the complaint unless the condition is true."""
    if not condition:
        raise StepFailed(complaint)


class Tour:
    """Plays its steps in a running sandbox and saves files from the bot to `folder`.

    Args:
        pace_s: seconds between two deltas of an answer.
    """

    def __init__(
        self, sandbox: Sandbox, output: TerminalOutput, folder: OutputFolder, *, pace_s: float = PACE_S
    ) -> None:
        self._sandbox = sandbox
        self._pace_s = pace_s
        self._api: OpenAiServer = sandbox.openai
        self._output = output
        output.set_names(sandbox.state.get_display_name)
        self._folder = folder

    async def play(self) -> bool:
        """Play every step, also after a failed one, and return whether all succeeded."""
        started, failed = time.monotonic(), 0
        self._api.pace_s = self._pace_s
        steps: list[tuple[str, Callable[[], Awaitable[str]]]] = [
            ("Ada asks, and the answer grows as it is written", self._ask),
            ("A follow-up that needs what was said before", self._follow_up),
            ("Ben replies to that answer in a message of his own", self._reply),
            ("Mo stops an answer, and has it go on after all", self._stopped_answer),
            ("A long answer goes on in further messages", self._long_answer),
            ("Cleo wants a table, which Discord cannot show", self._table),
            ("Read aloud", self._say),
            ("In a voice channel: what Ada has said is heard there", self._voice),
            ("An answer is read out while it is being written", self._spoken_answer),
            ("Two images in one message", self._draw),
            ("Ben is no moderator and may not change the model", self._missing_permission),
            ("Mo is one, and may", self._change_model),
            ("The next question goes to the new model", self._ask_again),
            ("Mo gives the channel a persona, in a form", self._persona),
            ("Mo limits each member's images", self._limit),
            ("Ada asks for more than that", self._limit_reached),
            ("The AI service fails, and no one is left waiting", self._api_error),
            ("The bot is asked to stop", self._stop),
        ]
        for number, (title, step) in enumerate(steps, start=1):
            self._output.line((f"{number}  {title}", "bold"))
            failed += not await self._run(step)
            self._output.line()
        seconds = time.monotonic() - started
        if failed:
            self._output.line((f"{failed} of {len(steps)} steps went wrong ({seconds:.0f} s).", "failure"))
        else:
            self._output.line((f"All {len(steps)} steps did what they should ({seconds:.0f} s).", "success"))
        self._output.line(f"The sound and the images are in {self._folder.path}")
        return not failed

    async def _run(self, step: Callable[[], Awaitable[str]]) -> bool:
        try:
            outcome = await step()
        except (StepFailed, ClientRejected, NotAcknowledged, TimeoutError) as reason:
            self._output.line("  ", ("✗", "failure"), f" {str(reason) or 'it took too long'}")
            return False
        finally:
            self._api.faults.clear()
        self._output.line("  ", ("✓", "success"), " ", (outcome, "dim"))
        return True

    # ------------------------------------------------------------------ the steps

    async def _ask(self) -> str:
        used, call = await self._answered("Ada", FIRST_QUESTION)
        check(not used.private, "the answer was private")
        check(call.body.get("stream") is True, "the answer was not streamed")
        edits = len(used.messages[0].edits)
        return (
            f"acknowledged after {await used.until_acknowledged():.2f} s; the whole answer is there, in {edits} edits"
        )

    async def _follow_up(self) -> str:
        used, call = await self._answered("Ada", "And why do they come twice a day?")
        before = [str(message["content"]) for message in call.messages[:-1]]
        check(any(FIRST_QUESTION in content for content in before), "the first question was not sent along")
        check(any(m["role"] == "assistant" for m in call.messages), "the first answer was not sent along")
        check(FIRST_QUESTION.rstrip("?") in used.text, "the answer does not show that it knew the first question")
        return f"the request carried {len(call.messages)} messages, the first question and answer among them"

    async def _reply(self) -> str:
        asked, ben = len(self._api.calls(CallKind.CHAT)), self._sandbox.user("Ben")
        answer = ben.sees()[-1]
        said = await ben.asks(REPLY, reply_to=answer)
        self._output.message(said.message)

        def complete() -> bool:
            calls = self._api.calls(CallKind.CHAT)[asked:]
            return bool(calls) and calls[-1].answer is not None and _words(said.text) == _words(calls[-1].answer)

        await self._output.follow(said, complete, deadline_s=STEP_WITHIN_S, fold=FOLD)
        request = self._api.calls(CallKind.CHAT)[-1].messages
        check(str(request[-1]["content"]).endswith(REPLY), "the request does not end with the reply")
        check(any(m["content"] == _source(self._api, answer.content) for m in request), "the answer was not sent along")
        check(not any(message.pinged for message in said.messages), "someone was pinged")
        return f"answered by a reply that pings no one; the request carried {len(request)} messages"

    async def _stopped_answer(self) -> str:
        self._api.faults.next(CallKind.CHAT, Stall(after=40))
        used = await self._use("Mo", "ask", prompt="Tell me all about the moon.")
        await self._follow(
            used, lambda: _buttons(used) == ["Stop"] and len(used.text) > STOP_AFTER_CHARACTERS, fold=FOLD
        )
        await self._press("Mo", used, "Stop")
        await self._follow(used, lambda: "Continue" in _buttons(used), fold=FOLD)
        call = self._api.calls(CallKind.CHAT)[-1]
        await self._api.until(lambda: call.closed_early_at is not None, STEP_WITHIN_S)
        rest = await self._press("Mo", used, "Continue")
        await self._follow(rest, lambda: "Regenerate" in _buttons(rest), fold=FOLD)
        request = self._api.calls(CallKind.CHAT)[-1].messages
        check(str(request[-2]["content"])[:20] == used.text[:20], "the answer so far was not sent along")
        return f"it kept its words, and went on; under it: {', '.join(_buttons(rest))}"

    async def _long_answer(self) -> str:
        self._api.faults.next(CallKind.CHAT, Slow(pace_s=self._pace_s / LONG_ANSWER_SPEEDUP))
        used, call = await self._answered("Ben", "Tell me a long story about a lighthouse.", fold=FOLD)
        sizes = [len(message.content) for message in used.messages]
        check(len(sizes) > 1, "it came in a single message")
        check(max(sizes) <= 2000, "a message is over Discord's limit")
        return f"{len(call.answer or ''):,} characters in {len(sizes)} messages; nothing lost, nothing doubled"

    async def _table(self) -> str:
        used, call = await self._answered("Cleo", "Compare a walk, some tea and sleep in a table, please.")
        check("|---" in (call.answer or ""), "the model wrote no table")
        check("|---" not in used.text and "| Sleep" not in used.text, "it shows as the model wrote it")
        drawn = [line for line in used.text.splitlines() if " | " in line]
        columns = {tuple(at for at, character in enumerate(line) if character == "|") for line in drawn}
        check(drawn and len(columns) == 1, "its columns are not straight")
        return f"{len(drawn)} rows in straight columns, and no word is missing"

    async def _say(self) -> str:
        used = await self._use("Cleo", "say", text="Hello! This is the sandbox, speaking aloud.", voice="nova")
        await self._follow(used, lambda: bool(used.messages))
        sound = self._attachment(used, 1, ".mp3")[0]
        seconds = _seconds(sound.data)
        check(seconds > 0.5, "there is next to nothing to hear")
        return f"{self._folder.save(sound)}: {seconds:.1f} s of {self._api.voices.kind}, decoded to its end"

    async def _voice(self) -> str:
        for name in ("Ada", "Ben"):
            self._sandbox.user(name).joins_voice(VOICE_CHANNEL)
        self._output.line((f"  Ada and Ben are in {VOICE_CHANNEL}", "dim"))
        used = await self._use("Ada", "voice join")
        await self._follow(used, lambda: bool(used.messages))
        check(self._sandbox.voice.call(), "the bot did not come")
        used = await self._use("Ada", "say", text="Hello, everyone in here! Can you hear me?")
        await self._follow(used, lambda: bool(used.messages))
        sound = self._attachment(used, 1, ".mp3")[0]
        heard = await self._wait_until_heard(_seconds(sound.data), since=0)
        check(len(heard.by(self._sandbox.user("Ben").user.id)) == len(heard), "Ben could not hear all of it")
        return f"{self._save_recording(heard)}, as Ben's ear had it, end-to-end encryption opened with his own keys"

    async def _spoken_answer(self) -> str:
        since = len(self._sandbox.voice.recording())
        used = await self._use("Ada", "ask", prompt="Tell me something short about lighthouses.", speak=True)
        await self._wait_until_heard(0.2, since=since)
        early = used.thinking or used.text.endswith("…")
        await self._follow(used, lambda: bool(used.messages) and not used.text.endswith("…"), fold=FOLD)
        heard = await self._wait_until_heard(1.0, since=since)
        used = await self._use("Ada", "voice stop")
        await self._follow(used, lambda: bool(used.messages))
        when = "before its text was complete" if early else "as soon as its text was there"
        return f"{self._save_recording(heard)}: its first sentence was heard {when}"

    async def _wait_until_heard(self, seconds: float, *, since: int) -> Recording:
        """Wait until about so many seconds of speech were heard, and return the recording."""
        voice = self._sandbox.voice
        enough = seconds * HEARD_SHARE
        await voice.until(lambda heard: heard.speech.seconds >= enough, since=since, deadline_s=STEP_WITHIN_S)
        heard = voice.recording(since=since)
        check(not heard.flaws, "; ".join(heard.flaws))
        return heard.audible

    def _save_recording(self, heard: Recording) -> str:
        path = self._folder.get_free_path("heard.wav")
        return f"{path.name}: {heard.save(path):.1f} s"

    async def _draw(self) -> str:
        used = await self._use("Ada", "draw", prompt="a lighthouse at dusk", n=2)
        await self._follow(used, lambda: bool(used.messages))
        images = self._attachment(used, 2, (".png", ".jpg", ".jpeg", ".webp"))
        sizes = {_size(image.data) for image in images}
        names = " and ".join(self._folder.save(image) for image in images)
        return f"{names}, {', '.join(f'{width}×{height}' for width, height in sizes)} pixels"

    async def _missing_permission(self) -> str:
        # Discord's client does not offer the command to Ben, but a modified one could send it.
        used = await self._use("Ben", "channel model", force=True, model=SMALL_MODEL)
        await self._follow(used, lambda: bool(used.messages))
        check(used.private, "the refusal was for everyone to see")
        check("Manage Channels" in used.text, "the refusal does not name the missing permission")
        return "refused, and only Ben sees it"

    async def _change_model(self) -> str:
        used = await self._use("Mo", "channel model", model=SMALL_MODEL)
        await self._follow(used, lambda: bool(used.messages))
        check(SMALL_MODEL in used.text, "the answer does not name the new model")
        return "the channel has a model of its own now"

    async def _ask_again(self) -> str:
        _, call = await self._answered("Ben", "Can you give me three ideas for a rainy day?")
        check(call.body["model"] == SMALL_MODEL, f"the model asked was {call.body['model']}")
        return f"the request named {call.body['model']}"

    async def _persona(self) -> str:
        opened = await self._use("Mo", "channel persona")
        await self._follow(opened, lambda: opened.modal is not None)
        self._output.line("  ", ("Mo", "user"), " writes: ", (PERSONA, "code"))
        sent = await self._sandbox.user("Mo").submits(opened, text=PERSONA)
        await self._follow(sent, lambda: bool(sent.messages))
        _, call = await self._answered("Ada", "Who are you?", fold=FOLD)
        check(str(call.messages[0]["content"]).startswith(PERSONA), "the request did not begin with the persona")
        return "the next request began with it"

    async def _limit(self) -> str:
        limit = str(IMAGES_PER_DAY)
        used = await self._use("Mo", "quota set", scope="member", kind="images", limit=limit, per="day")
        await self._follow(used, lambda: bool(used.messages))
        check(used.private, "it was said for everyone to see")
        check(limit in used.text, "the answer does not name the limit")
        return f"from now on it is {IMAGES_PER_DAY} a day"

    async def _limit_reached(self) -> str:
        before = len(self._api.calls(CallKind.IMAGES))
        used = await self._use("Ada", "draw", prompt="a lighthouse at dawn", n=2)
        await self._follow(used, lambda: bool(used.messages))
        check(used.private, "the refusal was for everyone to see")
        check(re.search(r"<t:\d+:R>", used.text), "the refusal does not say when the quota opens again")
        check(len(self._api.calls(CallKind.IMAGES)) == before, "the AI service was asked all the same")
        return "refused before anything was spent, and only Ada sees it"

    async def _api_error(self) -> str:
        self._api.faults.always(CallKind.CHAT, Status(500))
        used = await self._use("Cleo", "ask", prompt="Are you there?")
        await self._follow(used, lambda: bool(used.messages))
        check(not used.thinking, "it still says that it is thinking")
        check("{" not in used.text and "500" not in used.text, "the message shows what only the log should")
        self._api.faults.clear()
        await self._answered("Cleo", "Are you there again?", fold=FOLD)
        return "one plain sentence, and the next question is answered"

    async def _stop(self) -> str:
        status = await self._sandbox.bot_process.stop()
        check(status == 0, f"it ended with status {status}")
        return "it closed what was open and ended with status 0"

    # ------------------------------------------------------------------ shared by the steps

    async def _use(self, name: str, command: str, *, force: bool = False, **options: object) -> InteractionResult:
        user = self._sandbox.user(name)
        channel = user.channel()
        self._output.command_used(name, f"#{channel.name}", command, options)
        return await user.command(command, options, channel=channel, force=force)

    async def _press(self, name: str, used: InteractionResult, label: str) -> InteractionResult:
        user = self._sandbox.user(name)
        self._output.line("  ", (name, "user"), " presses ", (f"[{label}]", "code"))
        return await user.clicks(used.messages[-1], label)

    async def _follow(self, used: InteractionResult, done: Callable[[], bool], *, fold: int | None = None) -> None:
        await self._output.follow(used, lambda: used.failed or done(), deadline_s=STEP_WITHIN_S, fold=fold)
        check(not used.failed, "the bot did not respond in time")

    async def _answered(self, name: str, prompt: str, *, fold: int | None = None) -> tuple[InteractionResult, ApiCall]:
        """Ask, watch until the answer is complete, and return the result and the request to the AI service."""
        asked = len(self._api.calls(CallKind.CHAT))
        used = await self._use(name, "ask", prompt=prompt)

        def complete() -> bool:
            calls = self._api.calls(CallKind.CHAT)[asked:]
            return bool(calls) and calls[-1].answer is not None and _words(used.text) == _words(calls[-1].answer)

        await self._follow(used, complete, fold=fold)
        return used, self._api.calls(CallKind.CHAT)[-1]

    def _attachment(self, used: InteractionResult, count: int, ending: str | tuple[str, ...]) -> list[Attachment]:
        found = [each for message in used.messages for each in message.attachments]
        check(len(used.messages) == 1, f"it took {len(used.messages)} messages")
        check(len(found) == count, f"{len(found)} files came, not {count}: {used.text}")
        check(all(each.filename.endswith(ending) for each in found), "a file has another ending")
        return found


def _buttons(used: InteractionResult) -> list[str]:
    """Return the labels of the last message's buttons."""
    return [each["label"] for each in find_buttons(used.messages[-1].components)] if used.messages else []


def _source(api: OpenAiServer, shown: str) -> str | None:
    """Return the answer that is shown, as the AI service sent it."""
    given = (call.answer for call in api.calls(CallKind.CHAT))
    return next((answer for answer in given if answer is not None and _words(answer) == _words(shown)), None)


def _words(text: str) -> list[str]:
    """Return a text's words without its markup, which the bot may change."""
    return _WORD.findall(_FENCE.sub("", text))


def _seconds(sound: bytes) -> float:
    """Return the duration of an MP3, which is decoded in full."""
    import av

    try:
        with av.open(io.BytesIO(sound), "r") as container:
            check(container.streams.audio[0].codec_context.name.startswith("mp3"), "the sound is not MP3")
            return sum((frame.samples / frame.sample_rate for frame in container.decode(audio=0)), 0.0)
    except (av.FFmpegError, IndexError) as error:
        raise StepFailed(f"the sound can't be decoded: {error}") from error


def _size(data: bytes) -> tuple[int, int]:
    """Return an image's width and height in pixels; it is decoded in full."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return image.size
    except (UnidentifiedImageError, OSError) as error:
        raise StepFailed(f"an image can't be opened: {error}") from error
