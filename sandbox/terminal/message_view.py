"""Messages as a member sees them, as lines for a terminal."""

import re
import unicodedata
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.text import Text

from sandbox.client.components import find_buttons
from sandbox.discord.messages import Attachment, Message
from sandbox.terminal.relative_time import format_timestamps

MIN_WIDTH = 30

_FENCE = re.compile(r"\s*(`{3,})(\w*)\s*$")
_BULLET = re.compile(r"\s*(?:[-*] |\d+\. )")
_INLINE = re.compile(r"`([^`\n]+)`|\*\*([^*\n]+)\*\*|(?<!\*)\*([^*\n]+)\*(?!\*)|</([\w -]+):\d+>")
_MENTION = re.compile(r"<(?:#|@!?|@&)(\d{1,20})>")
_ICONS = {"audio": "♪", "image": "▣"}


class MessageView:
    """Draws messages `width` columns wide. Without colours markdown keeps its marks."""

    def __init__(self, console: Console, *, width: int) -> None:
        self.get_name: Callable[[int], str | None] = lambda _: None
        """Returns the name of a channel, user or role by id."""
        self._console = console
        self._width = max(MIN_WIDTH, width)
        self._coloured = console.color_system is not None

    def lines(self, messages: Sequence[Message], *, now: float, fold: int | None = None) -> list[Text]:
        """Return the lines of messages that belong together.

        Args:
            now: when they are looked at, in seconds since 1970.
            fold: how many lines to keep of a long message; the others are counted.
        """
        lines: list[Text] = []
        for number, message in enumerate(messages):
            if number == 0:
                lines.append(self._author(message))
            else:
                lines.append(Text(f"  ── message {number + 1} ──", "dim"))
            body = self._body(message, now)
            if fold is not None and len(body) > fold:
                hidden = Text(f"  ⋮ {len(body) - fold} more lines", "dim")
                body = [*body[: fold // 2], hidden, *body[-(fold - fold // 2) :]]
            lines += [*body, *self._buttons(message)]
        return lines

    def _author(self, message: Message) -> Text:
        if not message.author.bot:
            return Text.assemble("  ", (message.author.name, "user"))
        tag = " BOT " if self._coloured else "[BOT]"
        return Text.assemble("  ", (message.author.name, "bot"), " ", (tag, "tag"))

    def _body(self, message: Message, now: float) -> list[Text]:
        if message.loading:
            return [Text("  ● ● ● thinking…", "dim")]
        lines = self._markdown(message.content, now)
        lines += [line for attachment in message.attachments for line in self._attachment(attachment)]
        for embed in message.embeds:
            lines += self._embed(embed, now)
        if message.ephemeral:
            lines.append(Text("  (only you can see this)", "dim"))
        return lines

    def _buttons(self, message: Message) -> list[Text]:
        labels = " ".join(f"[{each['label']}]" for each in find_buttons(message.components) if each.get("label"))
        return self._wrap(Text(labels, "code")) if labels else []

    def _markdown(self, text: str, now: float) -> list[Text]:
        text = _MENTION.sub(lambda found: self.get_name(int(found[1])) or found[0], format_timestamps(text, now))
        lines: list[Text] = []
        fence = ""
        for line in _remove_control_characters(text).splitlines():
            mark = _FENCE.match(line)
            if mark and not fence:
                fence = mark[1]
                lines.append(Text(f"  ┌ {mark[2]}".rstrip(), "dim"))
            elif mark and mark[1].startswith(fence) and not mark[2]:
                fence = ""
                lines.append(Text("  └", "dim"))
            elif fence:
                lines += self._wrap(Text(line, "code"), prefix=Text.assemble("  ", ("│ ", "dim")))
            else:
                lines += self._prose(line)
        return lines

    def _prose(self, line: str) -> list[Text]:
        if line.startswith(("# ", "## ", "### ")):
            return self._wrap(Text(line.lstrip("# "), "bold"))
        if line.startswith("-# "):
            return self._wrap(Text(line.removeprefix("-# "), "dim"))
        bullet = _BULLET.match(line)
        return self._wrap(self._inline(line), hanging=len(bullet[0]) if bullet else 0)

    def _inline(self, text: str) -> Text:
        styled, end = Text(), 0
        for match in _INLINE.finditer(text):
            styled.append(text[end : match.start()])
            code, bold, italic, command = match.groups()
            if command is not None:
                styled.append(f"/{command}", "code")
            elif not self._coloured:
                styled.append(match[0])
            else:
                styled.append(code or bold or italic, "code" if code else "bold" if bold else "italic")
            end = match.end()
        return styled.append(text[end:])

    def _wrap(self, text: Text, *, prefix: Text | None = None, hanging: int = 0) -> list[Text]:
        """Return a line cut to the width, each part after `prefix`; all but the first are indented by `hanging`."""
        prefix = prefix or Text("  ")
        parts = text.wrap(self._console, self._width - prefix.cell_len - hanging, overflow="fold") or [Text()]
        for part in parts:
            part.rstrip()
        return [
            Text.assemble(prefix, " " * (hanging if number else 0), part) if part.plain else Text(prefix.plain.rstrip())
            for number, part in enumerate(parts)
        ]

    def _attachment(self, attachment: Attachment) -> list[Text]:
        facts = [f"{attachment.size / 1024:,.0f} KB"]
        if attachment.width and attachment.height:
            facts.append(f"{attachment.width}×{attachment.height}")
        if attachment.spoiler:
            facts.append("spoiler")
        icon = _ICONS.get(attachment.media_type.split("/")[0], "▤")
        lines = [Text.assemble("  ", (f"{icon} {attachment.filename}", "code"), " ", (" · ".join(facts), "dim"))]
        if attachment.description:
            lines += self._wrap(Text(f"alt: {attachment.description}", "dim"), prefix=Text("    "))
        return lines

    def _embed(self, embed: dict[str, object], now: float) -> list[Text]:
        parts = [str(embed[name]) for name in ("title", "description") if embed.get(name)]
        fields = embed.get("fields")
        if isinstance(fields, list):
            parts += [f"**{field['name']}** {field['value']}" for field in fields]
        return [Text.assemble("  ", ("▎", "dim"), line[2:]) for line in self._markdown("\n".join(parts), now)]


def _remove_control_characters(text: str) -> str:
    """Return a text that can't move the cursor."""
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) != "Cc")
