"""From the markdown that models write to messages that Discord shows well, line by line, while it streams.

What Discord cannot show becomes something that reads well: tables, deep headings, rules, images, formulas, footnotes,
task boxes, HTML. Code stays as it is, and no word is lost. What is written is certain.

Used like a `Splitter`. However the text arrives, the parts are the same; those that are complete never change."""

from typing import Final

from bot.markdown.blocks import Block, Inset, Paper
from bot.markdown.fences import START, BlockState, descend, follow
from bot.markdown.inline import Inline, without_unfinished
from bot.markdown.lines import ENOUGH, Lead, begins_fence, is_ordinary, translate
from bot.markdown.math import Display, drafted
from bot.markdown.splitter import MESSAGE_LIMIT, Splitter, split
from bot.markdown.tables import TableRenderer

_LONGEST: Final = 4000
"""Whatever a line began like: with so many characters it is shown as it comes."""


class DiscordMarkdown:
    """Translates a text as it comes and writes it on `paper`."""

    def __init__(self, paper: Paper) -> None:
        self._paper = paper
        self._carriage_return = ""  # held until it is known whether a line feed follows
        self._line = ""  # the line that is coming, less what of it is written
        self._place = START  # before that line
        self._block: Block | None = None
        self._inline: Inline | None = None  # the line is ordinary text, shown as it comes
        self._written: list[str] = []  # its source so far, while it is shown as it comes

    def feed(self, text: str) -> None:
        """Take more text, and write what is certain by now."""
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
        """Tell what would follow next if no more came; except for what would look odd and is about to change."""
        line = self._line
        if self._inline is not None:
            return self._inline.draft()
        if self._written or _stays(self._place, line):
            return line
        if self._block is None:
            return self._draft_line(line)
        shown = self._block.draft(line)
        return (self._block.draft("") or "") + self._draft_line(line) if shown is None else shown

    def _draft_line(self, line: str) -> str:
        content = Lead.read(line).content
        if content.startswith("|"):
            return ""  # a table, most likely
        if (formula := drafted(content)) is not None:
            return formula
        return translate(without_unfinished(line), in_paragraph=self._place.in_paragraph) or ""

    def _begin_line(self) -> None:
        """Write what is certain of the line that is coming, if it is shown as it comes."""
        line = self._line
        if not line:
            return
        if self._written:
            shown = line if self._inline is None else self._inline.feed(line)
        elif self._stays_as_it_is(line):
            self._end_block()
            shown = line
        elif self._is_ordinary(line):
            self._end_block()
            lead = Lead.read(line[:ENOUGH])
            self._inline = Inline(lead.line_break)
            shown = lead.before + self._inline.feed(lead.content + line[ENOUGH:])
        else:
            return
        self._paper.write(shown)
        self._written.append(line)
        self._line = ""

    def _end_line(self, line: str) -> None:
        """Write a line, now that its end is known; `line` is what was not written of it."""
        self._line = line
        self._begin_line()
        self._line = ""
        if not self._written:
            self._take(line)
            return
        self._paper.write((self._inline.feed("", is_end=True) if self._inline else "") + "\n")
        self._place = follow(self._place, "".join(self._written))
        self._inline, self._written = None, []

    def _stays_as_it_is(self, line: str) -> bool:
        """Whether a line that begins with `line` is code, or begins it, and can be shown as it comes."""
        fence = self._place.fence
        if fence is not None and not fence.containers:
            return True
        return len(line) >= _LONGEST and (_stays(self._place, line[:_LONGEST]) or begins_fence(line[:ENOUGH]))

    def _is_ordinary(self, line: str) -> bool:
        """Whether a line that begins with `line` is shown as it comes; always so when it is very long."""
        if len(line) >= _LONGEST:
            return True
        if self._place.open or isinstance(self._block, Display):
            return False
        return len(line) >= ENOUGH and is_ordinary(line[:ENOUGH])

    def _take(self, line: str) -> None:
        """Translate a whole line."""
        before, self._place = self._place, follow(self._place, line)
        stays = _stays(before, line)
        if self._block is not None:
            if self._block.take(line):
                return
            self._end_block()
        if stays or self._place.open or not line.strip():
            self._paper.write(line + "\n")
            return
        inset = Inset.of(line, self._place)
        if inset is not None:
            self._block = Display.begun_by(line, inset, self._paper) or TableRenderer.begun_by(line, inset, self._paper)
        if self._block is None:
            self._write(line, in_paragraph=before.in_paragraph)

    def _end_block(self, *, at_end: bool = False) -> None:
        if self._block is not None:
            block, self._block = self._block, None
            for line in block.finish(at_end=at_end):
                self._write(line)

    def _write(self, line: str, *, in_paragraph: bool = False) -> None:
        shown = translate(line, in_paragraph=in_paragraph)
        if shown is not None:
            self._paper.write(shown + "\n")


def _stays(place: BlockState, line: str) -> bool:
    """Whether `line` belongs to a fence that is open before it, as code or as its end."""
    if place.fence is None:
        return place.loose is not None
    depth, _ = descend(place.containers, line.expandtabs(4))
    return depth == len(place.containers)


def rendered(text: str, limit: int = MESSAGE_LIMIT) -> list[str]:
    """Render the whole of `text` into parts of at most `limit` code points."""
    rendering = Rendering(limit)
    return [*rendering.feed(text), *rendering.finish()]


class Rendering:
    """Renders a text that is still growing."""

    def __init__(self, limit: int = MESSAGE_LIMIT) -> None:
        self._limit = limit
        self._splitter = Splitter(limit)
        self._parts = _Parts(self._splitter)
        self._translator = DiscordMarkdown(self._parts)
        self._source: list[str] | None = []  # until there is a part

    def feed(self, text: str) -> list[str]:
        """Take more text; return the parts that are complete now, for good."""
        self._translator.feed(text)
        if self._source is not None:
            self._source.append(text)
        return self._taken()

    def finish(self) -> list[str]:
        """Return the parts that were still open. Nothing may be fed afterwards."""
        self._translator.finish()
        parts = [*self._taken(), *self._splitter.finish()]
        # Of tags alone nothing shows; then they are shown as they are.
        return parts or (split("".join(self._source), self._limit) if self._source else [])

    def preview(self, room: int) -> str:
        """Show the beginning of the part still open, in at most `room` code points; "" while it shows nothing.

        What begins a part and may yet turn out to be nothing does not show: a part that was there can't go away.
        """
        draft = self._translator.draft()
        if draft.lstrip().startswith(("<", "&")) and not self._splitter.preview(room):
            return ""
        return self._splitter.preview(room, draft)

    def _taken(self) -> list[str]:
        parts = self._parts.taken()
        if parts:
            self._source = None
        return parts


class _Parts:
    """A translator's paper that is cut into parts."""

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

    def taken(self) -> list[str]:
        """Hand over the parts that are complete."""
        complete, self._complete = self._complete, []
        return complete
