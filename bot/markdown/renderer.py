"""From the markdown that models write to messages that Discord shows well, line by line, while it streams.

What Discord cannot show becomes something that reads well: tables, deep headings, rules, images, formulas, footnotes,
task boxes, HTML. Code stays as it is, and no word is lost. What is written is certain.

Used like a `Splitter`. However the text arrives, the parts are the same; those that are complete never change.
"""

from typing import Final

from bot.markdown.blocks import Block, Inset, Paper
from bot.markdown.fences import INITIAL_STATE, BlockState, match_containers, next_state
from bot.markdown.inline import InlineRenderer, strip_unfinished
from bot.markdown.lines import PROBE_LENGTH, PrefixedLine, is_plain_text, render_line, starts_fence
from bot.markdown.math import DisplayMath, draft_formula
from bot.markdown.splitter import MESSAGE_LIMIT, Splitter, split
from bot.markdown.tables import TableRenderer

_MAX_HELD_LENGTH: Final = 4000
"""Whatever a line began like: with so many characters it is shown as it comes."""


class BlockRenderer:
    """Renders a text line by line as it comes, and writes it on `paper`."""

    def __init__(self, paper: Paper) -> None:
        self._paper = paper
        self._carriage_return = ""  # held until it is known whether a line feed follows
        self._line = ""  # the line that is coming, less what of it is written
        self._state = INITIAL_STATE  # before that line
        self._block: Block | None = None
        self._inline: InlineRenderer | None = None  # the line is ordinary text, shown as it comes
        self._written: list[str] = []  # its source so far, while it is shown as it comes

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
        if line or self._inline or self._written:
            self._end_line(line)
        self._end_block(at_end=True)

    def draft(self) -> str:
        """Return what would follow if no more came, except for what would look odd and is about to change."""
        line = self._line
        if self._inline is not None:
            return self._inline.draft()
        if self._written or _is_code(self._state, line):
            return line
        if self._block is None:
            return self._draft_line(line)
        markdown = self._block.draft(line)
        return (self._block.draft("") or "") + self._draft_line(line) if markdown is None else markdown

    def _draft_line(self, line: str) -> str:
        content = PrefixedLine.read(line).content
        if content.startswith("|"):
            return ""  # a table, most likely
        if (formula := draft_formula(content)) is not None:
            return formula
        return render_line(strip_unfinished(line), in_paragraph=self._state.in_paragraph) or ""

    def _begin_line(self) -> None:
        """Write what is certain of the line that is coming, if it is shown as it comes."""
        line = self._line
        if not line:
            return
        if self._written:
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
        self._written.append(line)
        self._line = ""

    def _end_line(self, line: str) -> None:
        """Write a line, now that its end is known; `line` is what was not written of it."""
        self._line = line
        self._begin_line()
        self._line = ""
        if not self._written:
            self._render_whole_line(line)
            return
        self._paper.write((self._inline.feed("", is_end=True) if self._inline else "") + "\n")
        self._state = next_state(self._state, "".join(self._written))
        self._inline, self._written = None, []

    def _is_verbatim(self, line: str) -> bool:
        """Return whether a line that begins with `line` is code, or begins it, and can be shown as it comes."""
        fence = self._state.fence
        if fence is not None and not fence.containers:
            return True
        return len(line) >= _MAX_HELD_LENGTH and (
            _is_code(self._state, line[:_MAX_HELD_LENGTH]) or starts_fence(line[:PROBE_LENGTH])
        )

    def _is_ordinary(self, line: str) -> bool:
        """Return whether a line that begins with `line` is shown as it comes; always so when it is very long."""
        if len(line) >= _MAX_HELD_LENGTH:
            return True
        if self._state.open_fence or isinstance(self._block, DisplayMath):
            return False
        return len(line) >= PROBE_LENGTH and is_plain_text(line[:PROBE_LENGTH])

    def _render_whole_line(self, line: str) -> None:
        """Write a whole line, or add it to the block."""
        before, self._state = self._state, next_state(self._state, line)
        is_code = _is_code(before, line)
        if self._block is not None:
            if self._block.add_line(line):
                return
            self._end_block()
        if is_code or self._state.open_fence or not line.strip():
            self._paper.write(line + "\n")
            return
        inset = Inset.of_line(line, self._state)
        if inset is not None:
            self._block = DisplayMath.from_line(line, inset, self._paper) or TableRenderer.from_line(
                line, inset, self._paper
            )
        if self._block is None:
            self._write(line, in_paragraph=before.in_paragraph)

    def _end_block(self, *, at_end: bool = False) -> None:
        if self._block is not None:
            block, self._block = self._block, None
            for line in block.finish(at_end=at_end):
                self._write(line)

    def _write(self, line: str, *, in_paragraph: bool = False) -> None:
        markdown = render_line(line, in_paragraph=in_paragraph)
        if markdown is not None:
            self._paper.write(markdown + "\n")


def _is_code(state: BlockState, line: str) -> bool:
    """Return whether `line` belongs to a fence that is open before it, as code or as its end."""
    if state.fence is None:
        return state.indented_fence is not None
    depth, _ = match_containers(state.containers, line.expandtabs(4))
    return depth == len(state.containers)


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
