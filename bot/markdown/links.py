"""Masked links as Discord shows them, with the host that they lead to in plain sight."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_EMPHASIS = re.compile(r"[*_~`\\]")
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_UNSAFE: Final = {ord(" "): "%20", ord("<"): "%3C", ord(">"): "%3E", ord("\\"): "/", ord("|"): "%7C"}
"""What would end the address early. A backslash is a slash to browsers, and would make us name another host."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link's text (markdown within), where it leads, and the title that some give it."""

    text: str
    target: str
    title: str = ""

    @property
    def shown(self) -> str:
        """The link in Discord's markdown.

        Discord masks addresses of the web only, and none whose text is an address itself. `<…>` takes any address.
        """
        text = self.text.strip()
        host = host_of(self.target)
        if host is None:
            bare = "" if self.target.startswith("data:") else self.target.strip()
            return text if not bare or bare in text else f"{text} ({bare})".lstrip()
        address = self.target.strip().translate(_UNSAFE)
        named = _bare(text)
        if not text or text == self.target or (_SCHEME.match(named) and _same(named, address)):
            return f"<{address}>"
        if _SCHEME.search(named):
            return f"{text} (<{address}>)"
        title = f' "{self.title}"' if self.title else ""
        masked = f"[{text}](<{address}>{title})"
        return masked if _same(named, host) or _same(named, address) else f"{masked} ({host})"


def host_of(target: str) -> str | None:
    """Name the host that an address of the web leads to, as browsers would look it up; None for anything else."""
    address = target.strip().translate(_UNSAFE)
    if not _SCHEME.match(address):
        return None
    try:
        host = urlsplit(address).hostname or ""
        # Letters that look like others are told apart by their spelling in the domain name system.
        return (host if host.isascii() else host.encode("idna").decode()) or None
    except ValueError:  # of the standard library's: a bracket out of place, a label too long
        return None


def _bare(text: str) -> str:
    return _EMPHASIS.sub("", text).strip()


def _same(one: str, other: str) -> bool:
    """Whether two names of a place differ in nothing that matters."""
    return _core(one) == _core(other)


def _core(name: str) -> str:
    return _EMPHASIS.sub("", _SCHEME.sub("", name, count=1)).lower().removeprefix("www.").rstrip("/")
