"""Decodes text files of any encoding, and recognises files that are not text."""

import codecs
import re
from typing import Final

# What no text has: the control characters, but for white space and for the escapes that colour logs are full of.
_NOT_IN_TEXT: Final = re.compile("[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]")

_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode_text(data: bytes) -> str | None:
    """Return `data` as text, or None if it is no text. CPU-bound: call it in a worker.

    A byte order mark decides, else UTF-8 if the data is valid in it; else the encoding is guessed.
    """
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8" or b"\0" in data:
            return None
        text = _guess_encoding(data)
    return None if _NOT_IN_TEXT.search(text) else _normalize_line_ends(text)


def _guess_encoding(data: bytes) -> str:
    # Imported when the first such file comes: most runs never see one.
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    return "\0" if best is None else str(best)


def _normalize_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
