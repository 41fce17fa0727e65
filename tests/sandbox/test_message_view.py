"""What a member sees, drawn in a terminal."""

import pytest
from rich.cells import cell_len
from rich.console import Console

from sandbox.discord.entities import User
from sandbox.discord.messages import Attachment, Message, MessageFlag
from sandbox.terminal.message_view import MessageView
from sandbox.terminal.output import THEME
from sandbox.terminal.relative_time import format_relative, format_timestamps

BOT = User(1, "sandbox", "Sandbox Bot", bot=True)
PLAIN = Console(color_system=None)
COLOURED = Console(color_system="standard", force_terminal=True, theme=THEME)


def message(content: str, *, flags: int = 0, attachments: list[Attachment] | None = None) -> Message:
    return Message(5, 6, BOT, content, 0.0, flags=flags, attachments=attachments or [])


def draw(*messages: Message, width: int = 60, fold: int | None = None, now: float = 0.0) -> list[str]:
    return [line.plain for line in MessageView(PLAIN, width=width).lines(messages, now=now, fold=fold)]


def test_an_answer_stands_under_its_author() -> None:
    assert draw(message("Hello!")) == ["  Sandbox Bot [BOT]", "  Hello!"]


def test_waiting_looks_like_waiting() -> None:
    assert draw(message("", flags=MessageFlag.LOADING))[1] == "  ● ● ● thinking…"


def test_code_is_framed_and_markdown_is_shown() -> None:
    text = "## Title\n- one\n```py\nx  =  1\n```\nUse `ls` or **not**, </help:12>"
    assert draw(message(text))[1:] == [
        "  Title",
        "  - one",
        "  ┌ py",
        "  │ x  =  1",
        "  └",
        "  Use `ls` or **not**, /help",
    ]
    coloured = MessageView(COLOURED, width=60).lines([message(text)], now=0)
    assert coloured[-1].plain == "  Use ls or not, /help"


def test_a_private_notice_says_when_in_words() -> None:
    lines = draw(message("Try again <t:7200:R>.", flags=MessageFlag.EPHEMERAL))
    assert lines[1:] == ["  Try again in 2 hours.", "  (only you can see this)"]


def test_files_show_their_name_and_size() -> None:
    picture = Attachment(1, "SPOILER_cat.png", b"x" * 2048, "image/png", "", "a cat", 256, 128)
    lines = draw(message("", attachments=[picture]))
    assert lines[1:] == ["  ▣ SPOILER_cat.png 2 KB · 256×128 · spoiler", "    alt: a cat"]


def test_buttons_stand_below() -> None:
    row = {"type": 1, "components": [{"type": 2, "label": each, "custom_id": each} for each in ("Again", "Delete")]}
    answer = message("\n".join("abcdefgh"))
    answer.components = [row]
    assert draw(answer, fold=2)[-2:] == ["  h", "  [Again] [Delete]"]


def test_further_messages_follow_and_long_ones_fold() -> None:
    lines = draw(message("\n".join("abcdefgh")), message("end"), fold=4)
    assert lines[1:] == ["  a", "  b", "  ⋮ 4 more lines", "  g", "  h", "  ── message 2 ──", "  end"]


@pytest.mark.parametrize(
    "text", ["word " * 60, "x" * 300, "漢字" * 80, "🎉 " * 90, "```\n" + "y" * 200 + "\n```"], ids=len
)
def test_no_line_is_wider_than_the_screen(text: str) -> None:
    lines = draw(message(text), width=40)
    assert all(cell_len(line) <= 40 for line in lines)


def test_nobodys_words_move_the_cursor() -> None:
    assert draw(message("a\x1b[2Jb\x07"))[1] == "  a[2Jb"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "in 0 seconds"), (1, "in a second"), (90, "in 2 minutes"), (3600, "in an hour"), (-172_800, "2 days ago")],
)
def test_how_far_a_moment_is(seconds: float, words: str) -> None:
    assert format_relative(seconds) == words


def test_dates_are_format_timestamps() -> None:
    assert (
        format_timestamps("<t:86400:D> <t:0> <t:99999999999999:f>", 0)
        == "02 January 1970 01 January 1970 00:00 <t:99999999999999:f>"
    )


def test_mentions_are_shown_by_name() -> None:
    view = MessageView(PLAIN, width=60)
    view.get_name = {1: "#Lounge", 2: "@Ada"}.get
    shown = view.lines([message("In <#1> with <@2>, <@!2> and <@&3>.")], now=0)
    assert shown[-1].plain.strip() == "In #Lounge with @Ada, @Ada and <@&3>."
