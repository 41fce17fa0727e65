"""Hidden reasoning that some servers write into the answer itself, as `<think>…</think>` at its head."""

_OPEN = "<think>"
_CLOSE = "</think>"


class ThinkingFilter:
    """Parts an answer into thoughts and words while it streams, wherever the deltas are cut.

    Only a tag at the very head counts: further down it is something the model writes about.
    """

    def __init__(self) -> None:
        self._held = ""
        self._at_head = True
        self._thinking = False

    def feed(self, text: str) -> tuple[str, str]:
        """Take a delta; give the thoughts and the words that are certain by now, in this order."""
        if not self._at_head and not self._thinking:
            return "", text
        self._held += text
        if self._at_head:
            head = self._held.lstrip()
            if len(head) < len(_OPEN) and _OPEN.startswith(head):
                return "", ""
            self._at_head = False
            self._thinking = head.startswith(_OPEN)
            if not self._thinking:
                return "", self._release()
            self._held = head.removeprefix(_OPEN)
        thoughts, tag, words = self._held.partition(_CLOSE)
        if tag:
            self._thinking = False
            self._held = ""
            return thoughts, words.lstrip()
        kept = _length_of_begun_tag(thoughts)
        self._held = thoughts[len(thoughts) - kept :]
        return thoughts[: len(thoughts) - kept], ""

    def close(self) -> tuple[str, str]:
        """Give what was held back, now that nothing more comes."""
        held = self._release()
        return (held, "") if self._thinking else ("", held)

    def _release(self) -> str:
        held, self._held = self._held, ""
        return held


def _length_of_begun_tag(text: str) -> int:
    """How many characters at the end of `text` may be the beginning of the closing tag."""
    for length in range(min(len(_CLOSE) - 1, len(text)), 0, -1):
        if _CLOSE.startswith(text[-length:]):
            return length
    return 0
