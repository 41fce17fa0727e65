"""A decoder for server-sent events, without any I/O: bytes in, events out.

It follows https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation, less the
fields that serve reconnecting (`id`, `retry`): requests are not resumed.
"""

from dataclasses import dataclass

from bot.errors import InvalidApiResponse

MAX_LINE_BYTES = 1024 * 1024
MAX_EVENT_BYTES = 1024 * 1024
"""A server may put its whole answer into one event; each is decoded in one call."""

_BOM = b"\xef\xbb\xbf"
_LINE_ENDS = (0x0A, 0x0D)


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One dispatched event: its type (`message` if none was named) and its data lines, joined."""

    type: str
    data: str


class EventDecoder:
    """Turns chunks of an event stream into events, wherever the chunks are cut.

    Lines end with CR, LF or CRLF; none of these bytes occurs inside a UTF-8 sequence, so that cutting into lines
    first and decoding each as a whole gives what decoding the stream would. Invalid bytes become U+FFFD.
    """

    def __init__(self, *, max_line: int = MAX_LINE_BYTES, max_event: int = MAX_EVENT_BYTES) -> None:
        self._max_line = max_line
        self._max_event = max_event
        self._partial_line = bytearray()
        self._after_cr = False
        self._at_start = True
        self._type = ""
        self._data: list[str] = []
        self._event_bytes = 0

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Return the events that the next bytes complete.

        Raises:
            InvalidApiResponse: a line or an event is longer than its bound.
        """
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk[0] == 0x0A:
                chunk = chunk[1:]
        if not chunk:
            return []
        lines = chunk.splitlines()
        rest = b"" if chunk[-1] in _LINE_ENDS else lines.pop()
        events: list[ServerSentEvent] = []
        if lines:
            self._after_cr = chunk[-1] == 0x0D
            if self._partial_line:
                self._check_line(len(self._partial_line) + len(lines[0]))
                lines[0] = bytes(self._partial_line) + lines[0]
                self._partial_line.clear()
            events = [event for line in lines if (event := self._process_line(line))]
        if rest:
            self._partial_line += rest
            self._check_line(len(self._partial_line))
        return events

    def close(self) -> ServerSentEvent | None:
        """End the stream and return the event that its end cut off, if any.

        The specification drops that one. But some servers leave out the last blank line, so the caller decides by its
        content whether it is whole.
        """
        line, self._partial_line = bytes(self._partial_line), bytearray()
        if line:
            self._process_line(line)
        return self._dispatch()

    def _process_line(self, line: bytes) -> ServerSentEvent | None:
        """Process one line; return the event if the line is blank and completes one."""
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BOM)
        if not line:
            return self._dispatch()
        self._check_line(len(line))
        name, _, value = line.partition(b":")
        if name == b"data":
            self._event_bytes += len(value) + 1
            if self._event_bytes > self._max_event:
                raise InvalidApiResponse(f"event of more than {self._max_event} bytes")
            self._data.append(value.removeprefix(b" ").decode("utf-8", "replace"))
        elif name == b"event":
            self._type = value.removeprefix(b" ").decode("utf-8", "replace")
        return None

    def _dispatch(self) -> ServerSentEvent | None:
        if not self._data:
            self._type = ""
            return None
        event = ServerSentEvent(self._type or "message", "\n".join(self._data))
        self._type = ""
        self._data = []
        self._event_bytes = 0
        return event

    def _check_line(self, length: int) -> None:
        if length > self._max_line:
            raise InvalidApiResponse(f"line of more than {self._max_line} bytes")
