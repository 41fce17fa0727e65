"""Draw the sandbox's tour as an image of a terminal: `python scripts/draw_tour.py`.

Runs `python -m bot sandbox --tour` in a pseudo-terminal, keeps what is on the screen at its end, and writes it to
docs/tour.svg. The image needs no font but the viewer's own.
"""

import argparse
import fcntl
import html
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import unicodedata
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COLUMNS, ROWS = 96, 500  # as many rows as the tour could need: nothing scrolls away

CELL_WIDTH, LINE_HEIGHT, FONT_SIZE = 8.4, 19, 14  # pixels
WHOLE_STEPS = frozenset({1, 4, 6, 7, 8, 10, 15, 16})  # of the others only what they were about and that they worked
MARGIN, TITLE_HEIGHT = 18, 36
BACKGROUND, FOREGROUND, DIM = "#1e1f22", "#dbdee1", "#878b93"
COLOURS = {
    31: "#f47067", 32: "#57ab5a", 33: "#daaa3f", 34: "#539bf5", 35: "#b083f0", 36: "#39c5cf", 97: "#ffffff",
}  # fmt: skip
BACKGROUNDS = {44: "#5865f2"}

_TOKEN = re.compile(r"\x1b\[(?P<numbers>[0-9;?]*)(?P<letter>[A-Za-z])|(?P<text>[^\x1b\n\r]+)|(?P<control>[\n\r])")


@dataclass(frozen=True)
class Style:
    """How a cell looks; colours are ANSI numbers."""

    colour: int | None = None
    background: int | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False


Row = list[tuple[str, Style]]


@dataclass
class Terminal:
    """As much of a terminal as the tour needs: colours, going up, clearing below."""

    rows: list[Row] = field(default_factory=lambda: [[]])
    row: int = 0
    column: int = 0
    style: Style = Style()

    def feed(self, output: str) -> None:
        """Apply what a program wrote."""
        for token in _TOKEN.finditer(output):
            if token["text"] is not None:
                for character in token["text"]:
                    self._put(character)
            elif token["control"] == "\n":
                self.row += 1
                self.column = 0
                if self.row == len(self.rows):
                    self.rows.append([])
            elif token["control"] == "\r":
                self.column = 0
            else:
                self._escape(token["numbers"], token["letter"])

    def _put(self, character: str) -> None:
        line = self.rows[self.row]
        line.extend([(" ", Style())] * (self.column - len(line)))
        line[self.column : self.column + 1] = [(character, self.style)]
        self.column += 1

    def _escape(self, numbers: str, letter: str) -> None:
        match letter:
            case "A":
                self.row = max(0, self.row - int(numbers or 1))
            case "J":
                del self.rows[self.row + 1 :]
                del self.rows[self.row][self.column :]
            case "K":
                del self.rows[self.row][self.column :]
            case "m":
                for number in numbers.split(";"):
                    self._restyle(int(number or 0))

    def _restyle(self, number: int) -> None:
        match number:
            case 0:
                self.style = Style()
            case 1:
                self.style = replace(self.style, bold=True)
            case 2:
                self.style = replace(self.style, dim=True)
            case 3:
                self.style = replace(self.style, italic=True)
            case _ if number in BACKGROUNDS:
                self.style = replace(self.style, background=number)
            case _:
                self.style = replace(self.style, colour=number)


def main() -> int:
    """Play the tour, write the image, and return the tour's exit status."""
    parser = argparse.ArgumentParser(description="Draw the sandbox's tour to an SVG file.")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "tour.svg")
    options = parser.parse_args()
    output, status = play(["sandbox", "--tour"])
    terminal = Terminal()
    terminal.feed(output)
    rows = shortened(terminal.rows)
    options.to.write_text(draw(rows, "$ python -m bot sandbox --tour"), encoding="utf-8")
    sys.stdout.write(f"{options.to}: {len(rows)} of {len(terminal.rows)} lines, exit status {status}\n")
    return status


def play(words: list[str]) -> tuple[str, int]:
    """Run `python -m bot` with these words in a terminal of its own; return all that it wrote and its exit status."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    program = subprocess.Popen(  # noqa: S603 - our own program, with our own words
        [sys.executable, "-m", "bot", *words],
        cwd=ROOT,
        stdout=theirs,
        stderr=theirs,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 65_536)
        except OSError:  # Linux tells the end of a pseudo-terminal with an error
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(ours)
    return b"".join(pieces).decode(errors="replace"), program.wait()


def shortened(rows: list[Row]) -> list[Row]:
    """Leave out the middle of steps that are not among `WHOLE_STEPS`."""
    kept: list[Row] = []
    whole = True
    for row in rows:
        text = "".join(character for character, _ in row)
        if title := re.match(r"(\d+)  \S", text):
            before, whole = whole, int(title[1]) in WHOLE_STEPS
            if not before and not whole:
                kept.pop()  # no empty line between two short ones
        elif text and not text.startswith(" "):
            whole = True  # the words after the last step
        if whole or title or _is_verdict(row) or (not text and _is_verdict(kept[-1])):
            kept.append(row)
    return kept


def _is_verdict(row: Row) -> bool:
    return "".join(character for character, _ in row[:4]).strip() in ("✓", "✗")


def draw(rows: list[Row], title: str) -> str:
    """Draw a screen as SVG."""
    while rows and not rows[-1]:
        rows = rows[:-1]
    width = round(COLUMNS * CELL_WIDTH + 2 * MARGIN)
    height = TITLE_HEIGHT + len(rows) * LINE_HEIGHT + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<title>{html.escape(title)}</title>",
        "<style>text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',"
        f"monospace;font-size:{FONT_SIZE}px;fill:{FOREGROUND};white-space:pre}}</style>",
        f'<rect width="{width}" height="{height}" rx="10" fill="{BACKGROUND}"/>',
    ]
    for number, colour in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        parts.append(f'<circle cx="{MARGIN + 6 + number * 20}" cy="{TITLE_HEIGHT / 2 + 2}" r="6" fill="{colour}"/>')
    parts.append(f'<text x="{width / 2}" y="{TITLE_HEIGHT / 2 + 7}" text-anchor="middle">{html.escape(title)}</text>')
    for number, line in enumerate(rows):
        parts += _draw_line(line, TITLE_HEIGHT + MARGIN + (number + 1) * LINE_HEIGHT - 5)
    return "\n".join([*parts, "</svg>", ""])


def _draw_line(line: Row, y: int) -> list[str]:
    """One text element for every run of a style, each held to its cells whatever font the viewer has."""
    parts, column, start = [], 0, 0
    while start < len(line):
        end = start
        while end < len(line) and line[end][1] == line[start][1]:
            end += 1
        text, style = "".join(character for character, _ in line[start:end]), line[start][1]
        cells = sum(map(_cells, text))
        x, wide = MARGIN + column * CELL_WIDTH, cells * CELL_WIDTH
        if style.background is not None:
            parts.append(
                f'<rect x="{x:.1f}" y="{y - LINE_HEIGHT + 6}" width="{wide:.1f}" height="{LINE_HEIGHT - 2}" rx="3" '
                f'fill="{BACKGROUNDS[style.background]}"/>'
            )
        if text.strip():
            parts.append(
                f'<text x="{x:.1f}" y="{y}" textLength="{wide:.1f}" xml:space="preserve"{_look(style)}>'
                f"{html.escape(text, quote=False)}</text>"
            )
        column += cells
        start = end
    return parts


def _look(style: Style) -> str:
    look = ""
    if style.colour is not None:
        look += f' style="fill:{COLOURS[style.colour]}"'
    elif style.dim:
        look += f' style="fill:{DIM}"'
    if style.bold:
        look += ' font-weight="bold"'
    if style.italic:
        look += ' font-style="italic"'
    return look


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


if __name__ == "__main__":
    sys.exit(main())
