"""A block of lines that changes on the screen."""

import io

from sandbox.terminal.live import LiveBlock


def test_only_what_changed_is_drawn_again() -> None:
    screen = io.StringIO()
    block = LiveBlock(screen, redraw=True, height=24)
    block.show(["name", "Hel"])
    block.show(["name", "Hello"])
    block.show(["name", "Hello"])
    block.finish(["name", "Hello", "world"])
    assert screen.getvalue() == "\x1b[Jname\nHel\n\x1b[1A\x1b[JHello\n\x1b[Jworld\n"


def test_a_block_may_shrink() -> None:
    screen = io.StringIO()
    block = LiveBlock(screen, redraw=True, height=24)
    block.show(["a", "b", "c"])
    block.show(["a"])
    assert screen.getvalue().endswith("\x1b[2A\x1b[J")


def test_what_scrolled_away_stays() -> None:
    screen = io.StringIO()
    block = LiveBlock(screen, redraw=True, height=3)
    block.show(["a", "b", "c", "d"])
    block.show(["A", "b", "c", "D", "e"])
    assert screen.getvalue().endswith("\x1b[2A\x1b[Jc\nD\ne\n")


def test_without_redrawing_every_line_comes_once_it_stays() -> None:
    screen = io.StringIO()
    block = LiveBlock(screen, redraw=False)
    block.show(["name", "Hel", "…"])
    assert screen.getvalue() == ""
    block.show(["name", "Hello", "wo", "…"])
    block.show(["name", "Hello", "world", "…"])
    assert screen.getvalue() == "name\n"
    block.finish(["name", "Hello", "world"])
    assert screen.getvalue() == "name\nHello\nworld\n"
