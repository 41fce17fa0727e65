"""A model's markdown as messages that Discord shows well: translated line by line, then cut into parts.

Used like a `Splitter`. However the text arrives, the parts are the same; those that are complete never change.
"""

from bot.markdown.discord_markdown import DiscordMarkdown
from bot.markdown.splitter import MESSAGE_LIMIT, Splitter, split


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
