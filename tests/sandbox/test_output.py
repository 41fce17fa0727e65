"""Answers that are redrawn while they grow."""

import io

import pytest

from sandbox.client.message_result import MessageResult
from sandbox.discord.messages import Message
from sandbox.discord.state import DiscordState
from sandbox.terminal.output import TerminalOutput


class Answer:
    """A message and the bot's reply to it, whose text is set by hand."""

    def __init__(self) -> None:
        self.state = DiscordState()
        channel = self.state.populate().channel("general")
        question = Message(1, channel.id, self.state.user("Ada"), "Hello?", 0.0)
        self.reply = Message(2, channel.id, self.state.bot, "", 0.0, reply_to=1)
        self.state.messages[channel.id] = [question, self.reply]
        self.result = MessageResult(question, self.state)


@pytest.fixture
def answer() -> Answer:
    return Answer()


async def follow(output: TerminalOutput, answer: Answer, *texts: str) -> None:
    """Let the answer have these texts one after the other, each drawn."""
    waiting = list(texts)

    def done() -> bool:
        if not waiting:
            return True
        answer.reply.content = waiting.pop(0)
        answer.state.changed.notify()
        return False

    await output.follow(answer.result, done, deadline_s=5)


async def test_a_pipe_gets_an_answer_once_when_it_is_final(answer: Answer) -> None:
    pipe = io.StringIO()
    await follow(TerminalOutput(pipe), answer, "Hel", "Hello", "Hello!")
    assert pipe.getvalue() == "  Sandbox Bot [BOT]\n  Hello!\n"


async def test_a_terminal_shows_an_answer_while_it_grows(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    screen = io.StringIO()
    await follow(TerminalOutput(screen, width=60), answer, "Hel", "Hello", "Hello!")
    assert [text in screen.getvalue() for text in ("  Hel\r", "  Hello\r", "  Hello!\n")] == [True, True, True]


async def test_an_answer_longer_than_the_screen_shows_its_end_and_at_last_all(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LINES", "5")
    screen = io.StringIO()
    await follow(TerminalOutput(screen, width=60), answer, "\n".join("abcdefgh"), "\n".join("abcdefghi"))
    shown = screen.getvalue()
    assert shown.index("  h\n") < shown.index("  a\n")
    assert [shown.count(f"  {letter}") for letter in "ai"] == [1, 2]


def test_what_looks_like_markup_stays(answer: Answer) -> None:
    pipe = io.StringIO()
    TerminalOutput(pipe).line("[bold]no[/bold] :smile: ", ("x" * 200, "code"))
    assert pipe.getvalue() == f"[bold]no[/bold] :smile: {'x' * 200}\n"
