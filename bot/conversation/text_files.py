"""Text files: whatever encoding they are in, and what only looks like one."""

import codecs
import re
from typing import Final

# What no text has: the control characters, but for white space and for the escapes that colour logs are full of.
_NOT_IN_TEXT: Final = re.compile("[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]")

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decoded(data: bytes) -> str | None:
    """Read `data` as text; None where it is none. Blocks: call it in a thread.

    What says itself which encoding it is in, and what is UTF-8, is believed; the rest is found out.
    """
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8" or b"\0" in data:
            return None
        text = _guessed(data)
    return None if _NOT_IN_TEXT.search(text) else _with_plain_line_ends(text)


def _guessed(data: bytes) -> str:
    # Imported when the first such file comes: most runs never see one.
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    return "\0" if best is None else str(best)


def _with_plain_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
