"""Masked links as Discord shows them, with the host that they lead to in plain sight."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_EMPHASIS = re.compile(r"[*_~`\\]")
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_ESCAPES: Final = {ord(" "): "%20", ord("<"): "%3C", ord(">"): "%3E", ord("\\"): "/", ord("|"): "%7C"}
"""What would end the address early. A backslash is a slash to browsers, and would make the bot name another host."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link: its text (Markdown), its address and its title."""

    text: str
    target: str
    title: str = ""

    @property
    def markdown(self) -> str:
        """The link as Markdown for Discord.

        Discord masks web addresses only, and none whose text is an address itself. `<…>` takes any address.
        """
        text = self.text.strip()
        host = find_host(self.target)
        if host is None:
            plain = "" if self.target.startswith("data:") else self.target.strip()
            return text if not plain or plain in text else f"{text} ({plain})".lstrip()
        address = self.target.strip().translate(_ESCAPES)
        named = _strip_emphasis(text)
        if not text or text == self.target or (_SCHEME.match(named) and _is_same_address(named, address)):
            return f"<{address}>"
        if _SCHEME.search(named):
            return f"{text} (<{address}>)"
        title = f' "{self.title}"' if self.title else ""
        masked = f"[{text}](<{address}>{title})"
        return masked if _is_same_address(named, host) or _is_same_address(named, address) else f"{masked} ({host})"


def find_host(target: str) -> str | None:
    """Return the host of a web address, as browsers would look it up; None for anything else."""
    address = target.strip().translate(_ESCAPES)
    if not _SCHEME.match(address):
        return None
    try:
        host = urlsplit(address).hostname or ""
        # Letters that look alike are distinguished by their spelling in the domain name system.
        return (host if host.isascii() else host.encode("idna").decode()) or None
    except ValueError:  # of the standard library's: a bracket out of place, a label too long
        return None


def _strip_emphasis(text: str) -> str:
    return _EMPHASIS.sub("", text).strip()


def _is_same_address(one: str, other: str) -> bool:
    """Return whether two addresses differ only in scheme, case, `www.`, a final slash or emphasis."""
    return _normalize(one) == _normalize(other)


def _normalize(name: str) -> str:
    return _EMPHASIS.sub("", _SCHEME.sub("", name, count=1)).lower().removeprefix("www.").rstrip("/")
