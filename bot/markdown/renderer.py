"""From the markdown that models write to messages that Discord shows well, line by line, while it streams.

What Discord cannot show becomes something that reads well: tables, deep headings, rules, images, formulas, footnotes,
task boxes, HTML. Code stays as it is, and no word is lost. What is written is certain.

Used like a `Splitter`. However the text arrives, the parts are the same; those that are complete never change.
"""

from typing import Final, Protocol

from bot.markdown.blocks import BlockReader, Inset, Paper, is_code
from bot.markdown.lines import (
    PROBE_LENGTH,
    InlineRenderer,
    PrefixedLine,
    is_plain_text,
    render_line,
    starts_fence,
    strip_unfinished,
)
from bot.markdown.math import FORMULA_START, DisplayMath, draft_formula
from bot.markdown.splitter import MESSAGE_LIMIT, Splitter, split
from bot.markdown.tables import TableRenderer

_MAX_HELD_LENGTH: Final = 4000
"""Whatever a line began like: with so many characters it is shown as it comes."""


class Block(Protocol):
    """A block of several lines that Discord cannot show, while it comes: the wall to the kinds of blocks.

    It is given line after line until one does not belong to it. Then it is finished: it writes itself, or returns its
    lines to be read as text, where it turned out to be no block.
    """

    def add_line(self, line: str) -> bool:
        """Add the next line; return False where it does not belong to the block, which then ends."""
        ...

    def finish(self, *, at_end: bool) -> list[str]:
        """Write the block; return the lines that are text instead. `at_end`: the answer ends with this block."""
        ...

    def draft(self, line: str) -> str | None:
        """Return how the unwritten lines and the beginning of a next one look; None where that is not of the block."""
        ...


class BlockRenderer:
    """Renders a text line by line as it comes, and writes it on `paper`."""

    def __init__(self, paper: Paper) -> None:
        self._paper = paper
        self._carriage_return = ""  # held until it is known whether a line feed follows
        self._line = ""  # the line that is coming, less what of it is written
        self._reader = BlockReader()  # has read what is written of that line, while it is shown as it comes
        self._block: Block | None = None
        self._inline: InlineRenderer | None = None  # the line is ordinary text, shown as it comes

    def feed(self, text: str) -> None:
        """Add text, and write what is certain by now."""
        text = self._carriage_return + text
        self._carriage_return = "\r" if text.endswith("\r") else ""
        text = text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n")
        *lines, rest = (self._line + text).split("\n")
        for line in lines:
            self._end_line(line)
        self._line = rest
        self._begin_line()

    def finish(self) -> None:
        """Write the rest. Nothing may be fed afterwards."""
        line, self._line = self._line, ""
        if line or self._reader.has_line:
            self._end_line(line)
        self._end_block(at_end=True)

    def draft(self) -> str:
        """Return what would follow if no more came, except for what would look odd and is about to change."""
        line = self._line
        if self._inline is not None:
            return self._inline.draft()
        if self._reader.has_line or is_code(self._reader.state, line):
            return line
        if self._block is None:
            return self._draft_line(line)
        markdown = self._block.draft(line)
        return (self._block.draft("") or "") + self._draft_line(line) if markdown is None else markdown

    def _draft_line(self, line: str) -> str:
        content = PrefixedLine.read(line).content
        if content.startswith("|"):
            return ""  # a table, most likely
        if opening := FORMULA_START.match(content):
            return draft_formula(opening)
        return render_line(strip_unfinished(line), in_paragraph=self._reader.state.in_paragraph) or ""

    def _begin_line(self) -> None:
        """Write what is certain of the line that is coming, if it is shown as it comes."""
        line = self._line
        if not line:
            return
        if self._reader.has_line:
            markdown = line if self._inline is None else self._inline.feed(line)
        elif self._is_verbatim(line):
            self._end_block()
            markdown = line
        elif self._is_ordinary(line):
            self._end_block()
            lead = PrefixedLine.read(line[:PROBE_LENGTH])
            self._inline = InlineRenderer(lead.line_break)
            markdown = lead.before + self._inline.feed(lead.content + line[PROBE_LENGTH:])
        else:
            return
        self._paper.write(markdown)
        self._reader.add(line)
        self._line = ""

    def _end_line(self, line: str) -> None:
        """Write a line, now that its end is known; `line` is what was not written of it."""
        self._line = line
        self._begin_line()
        self._line = ""
        if not self._reader.has_line:
            self._render_whole_line(line)
            return
        self._paper.write((self._inline.feed("", is_end=True) if self._inline else "") + "\n")
        self._inline = None
        self._reader.end_line()

    def _is_verbatim(self, line: str) -> bool:
        """Return whether a line that begins with `line` is code, or begins it, and can be shown as it comes."""
        fence = self._reader.state.fence
        if fence is not None and not fence.containers:
            return True
        return len(line) >= _MAX_HELD_LENGTH and (
            is_code(self._reader.state, line[:_MAX_HELD_LENGTH]) or starts_fence(line[:PROBE_LENGTH])
        )

    def _is_ordinary(self, line: str) -> bool:
        """Return whether a line that begins with `line` is shown as it comes; always so when it is very long."""
        if len(line) >= _MAX_HELD_LENGTH:
            return True
        if self._reader.state.open_fence or isinstance(self._block, DisplayMath):
            return False
        return len(line) >= PROBE_LENGTH and is_plain_text(line[:PROBE_LENGTH])

    def _render_whole_line(self, line: str) -> None:
        """Write a whole line, or add it to the block."""
        before = self._reader.state
        self._reader.add(line)
        self._reader.end_line()
        if self._block is not None:
            if self._block.add_line(line):
                return
            self._end_block()
        if is_code(before, line) or self._reader.state.open_fence or not line.strip():
            self._paper.write(line + "\n")
            return
        self._block = self._begin_block(line)
        if self._block is None:
            self._write(line, in_paragraph=before.in_paragraph)

    def _begin_block(self, line: str) -> Block | None:
        """Return the block that a line may begin; None where it begins none."""
        inset = Inset.of_line(line, self._reader.state)
        if inset is None:
            return None
        content = inset.content_of(line) or ""
        opening = FORMULA_START.match(content)
        if opening and (formula := DisplayMath.from_line(opening, line, inset, self._paper)):
            return formula
        return TableRenderer.from_line(line, content, inset, self._paper) if "|" in content else None

    def _end_block(self, *, at_end: bool = False) -> None:
        if self._block is not None:
            block, self._block = self._block, None
            for line in block.finish(at_end=at_end):
                self._write(line)

    def _write(self, line: str, *, in_paragraph: bool = False) -> None:
        markdown = render_line(line, in_paragraph=in_paragraph)
        if markdown is not None:
            self._paper.write(markdown + "\n")


def render_markdown(text: str, limit: int = MESSAGE_LIMIT) -> list[str]:
    """Return the whole of `text` in parts of at most `limit` code points."""
    rendering = MarkdownRenderer(limit)
    return [*rendering.feed(text), *rendering.finish()]


class MarkdownRenderer:
    """Renders a text that is still growing."""

    def __init__(self, limit: int = MESSAGE_LIMIT) -> None:
        self._limit = limit
        self._splitter = Splitter(limit)
        self._parts = _PartCollector(self._splitter)
        self._blocks = BlockRenderer(self._parts)
        self._source: list[str] | None = []  # until there is a part

    def feed(self, text: str) -> list[str]:
        """Add text; return the parts that are complete now, for good."""
        self._blocks.feed(text)
        if self._source is not None:
            self._source.append(text)
        return self._pop_parts()

    def finish(self) -> list[str]:
        """Return the parts that were still open. Nothing may be fed afterwards."""
        self._blocks.finish()
        parts = [*self._pop_parts(), *self._splitter.finish()]
        # Of tags alone nothing shows; then they are shown as they are.
        return parts or (split("".join(self._source), self._limit) if self._source else [])

    def preview(self, room: int) -> str:
        """Return the beginning of the part still open, in at most `room` code points; "" while it shows nothing.

        What begins a part and may yet turn out to be nothing does not show: a part that was shown can't go away.
        """
        draft = self._blocks.draft()
        if draft.lstrip().startswith(("<", "&")) and not self._splitter.preview(room):
            return ""
        return self._splitter.preview(room, draft)

    def _pop_parts(self) -> list[str]:
        parts = self._parts.pop_complete()
        if parts:
            self._source = None
        return parts


class _PartCollector:
    """The paper of a `BlockRenderer`, cut into parts."""

    def __init__(self, splitter: Splitter) -> None:
        self._splitter = splitter
        self._complete: list[str] = []

    @property
    def room(self) -> int:
        return self._splitter.room

    def write(self, text: str) -> None:
        self._complete += self._splitter.feed(text)

    def make_room(self, room: int) -> None:
        self._complete += self._splitter.make_room(room)

    def pop_complete(self) -> list[str]:
        """Return the parts that are complete, and drop them."""
        complete, self._complete = self._complete, []
        return complete
