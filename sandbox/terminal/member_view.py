"""A message the way a member sees it, as lines for a terminal."""

import re
from collections.abc import Callable, Sequence

from sandbox.client.components import find_buttons
from sandbox.discord.messages import Attachment, Message
from sandbox.terminal.relative_time import read_out
from sandbox.terminal.styles import Styles
from sandbox.terminal.text_width import visible, wrap

_FENCE = re.compile(r"\s*(`{3,})(\w*)\s*$")
_BULLET = re.compile(r"\s*(?:[-*] |\d+\. )")
_INLINE = re.compile(r"`([^`\n]+)`|\*\*([^*\n]+)\*\*|(?<!\*)\*([^*\n]+)\*(?!\*)|</([\w -]+):\d+>")

_MENTION = re.compile(r"<(?:#|@!?|@&)(\d{1,20})>")


class MemberView:
    """Draws messages `width` columns wide; `now` (seconds since 1970) is when they are looked at.

    `names` tells what a channel, a member or a role is called, by its id.
    """

    def __init__(self, styles: Styles, *, width: int = 92) -> None:
        self.names: Callable[[int], str | None] = _nameless
        self._styles = styles
        self._width = max(30, width)

    def lines(self, messages: Sequence[Message], *, now: float, fold: int | None = None) -> list[str]:
        """Draw messages that belong together; of a long one only `fold` lines are kept, the others are counted."""
        drawn: list[str] = []
        for number, message in enumerate(messages):
            if number == 0:
                drawn.append(self._heading(message))
            body = self._body(message, now)
            if fold is not None and len(body) > fold:
                head, tail = body[: fold // 2], body[-(fold - fold // 2) :]
                hidden = len(body) - fold
                body = [*head, self._styles.dim(f"  ⋮ {hidden} more lines"), *tail]
            if number:
                drawn.append(self._styles.dim(f"  ── message {number + 1} ──"))
            drawn += body
            drawn += self._buttons(message)
        return drawn

    def _heading(self, message: Message) -> str:
        name = message.author.name
        if not message.author.bot:
            return f"  {self._styles.person(name)}"
        return f"  {self._styles.bot(name)} {self._styles.tag('BOT')}"

    def _body(self, message: Message, now: float) -> list[str]:
        if message.loading:
            return ["  " + self._styles.dim("● ● ● thinking…")]
        drawn = self._text(self._named(read_out(message.content, now)))
        drawn += [line for attachment in message.attachments for line in self._attachment(attachment)]
        for embed in message.embeds:
            drawn += self._embed(embed, now)
        if message.ephemeral:
            drawn.append("  " + self._styles.dim("(only you can see this)"))
        return drawn

    def _buttons(self, message: Message) -> list[str]:
        labels = " ".join(f"[{each['label']}]" for each in find_buttons(message.components) if each.get("label"))
        return [f"  {self._styles.code(part)}" for part in self._wrap(labels)] if labels else []

    def _named(self, text: str) -> str:
        """Put names in place of mentions, as Discord's client does."""
        return _MENTION.sub(lambda found: self.names(int(found[1])) or found[0], text)

    def _text(self, text: str) -> list[str]:
        drawn: list[str] = []
        fence = ""
        for line in visible(text).splitlines():
            mark = _FENCE.match(line)
            if mark and not fence:
                fence = mark[1]
                drawn.append("  " + self._styles.dim(f"┌ {mark[2]}".rstrip()))
            elif mark and mark[1].startswith(fence) and not mark[2]:
                fence = ""
                drawn.append("  " + self._styles.dim("└"))
            elif fence:
                drawn += [
                    f"  {self._styles.dim('│')} {self._styles.code(part)}" for part in self._wrap(line, code=True)
                ]
            else:
                drawn += self._prose(line)
        return drawn

    def _prose(self, line: str) -> list[str]:
        if not line.strip():
            return [""]
        if line.startswith(("# ", "## ", "### ")):
            return [f"  {self._styles.bold(part)}" for part in self._wrap(line.lstrip("# "))]
        if line.startswith("-# "):
            return [f"  {self._styles.dim(part)}" for part in self._wrap(line.removeprefix("-# "))]
        return [f"  {self._inline(part)}" for part in self._wrap(line)]

    def _inline(self, text: str) -> str:
        def styled(match: re.Match[str]) -> str:
            code, bold, italic, command = match.groups()
            if code is not None:
                return self._styles.code(code if self._styles.coloured else f"`{code}`")
            if command is not None:
                return self._styles.code(f"/{command}")
            if not self._styles.coloured:
                return match[0]
            return self._styles.bold(bold) if bold is not None else self._styles.italic(italic)

        return _INLINE.sub(styled, text)

    def _wrap(self, line: str, *, code: bool = False) -> list[str]:
        if code:
            return wrap(line, self._width - 4, keep_spaces=True)
        bullet = _BULLET.match(line)
        return wrap(line, self._width - 2, indent=" " * len(bullet[0] if bullet else ""))

    def _attachment(self, attachment: Attachment) -> list[str]:
        facts = [f"{attachment.size / 1024:,.0f} KB"]
        if attachment.width and attachment.height:
            facts.append(f"{attachment.width}×{attachment.height}")
        if attachment.spoiler:
            facts.append("spoiler")
        kind = attachment.media_type.split("/")[0]
        icon = {"audio": "♪", "image": "▣"}.get(kind, "▤")
        drawn = [f"  {self._styles.code(f'{icon} {attachment.filename}')} {self._styles.dim(' · '.join(facts))}"]
        if attachment.description:
            drawn += [f"    {self._styles.dim(part)}" for part in self._wrap(f"alt: {attachment.description}")]
        return drawn

    def _embed(self, embed: dict[str, object], now: float) -> list[str]:
        parts = [str(embed[name]) for name in ("title", "description") if embed.get(name)]
        fields = embed.get("fields")
        if isinstance(fields, list):
            parts += [f"**{entry['name']}** {entry['value']}" for entry in fields]
        return [
            f"  {self._styles.dim('▎')}{line.removeprefix('  ')}"
            for line in self._text(read_out("\n".join(parts), now))
        ]


def _nameless(_: int) -> str | None:
    return None
