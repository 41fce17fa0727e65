"""Whose the database's folder and files are, where they are not ours to use: another user made the volume or a copy."""

import os
from pathlib import Path
from typing import Final

from bot.errors import StartupError

_BESIDE: Final = ("", "-wal", "-shm")
_SEARCH, _WRITE_IN, _USE = os.X_OK, os.W_OK | os.X_OK, os.R_OK | os.W_OK


def denied(path: Path) -> StartupError | None:
    """Say what keeps this user from using the database at `path`, and what to do; None where rights don't."""
    if not hasattr(os, "geteuid"):  # Windows has other rights than these
        return None
    obstacle = _obstacle(path.absolute())
    return None if obstacle is None else StartupError(f"The database {path} can't be used: {_told(*obstacle)}.")


def _obstacle(path: Path) -> tuple[str, Path] | None:
    """Return what this user may not do, and with which folder or file."""
    folder = Path(path.anchor)
    for each in reversed(path.parents):
        if not _exists(each):
            break
        if not each.is_dir():
            return None
        folder = each
        if not _may(folder, _SEARCH):
            return "look into", folder
    if not _may(folder, _WRITE_IN):
        return "write in", folder
    files = (path.with_name(path.name + end) for end in _BESIDE)
    return next((("read and write", file) for file in files if _exists(file) and not _may(file, _USE)), None)


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True


def _may(path: Path, how: int) -> bool:
    return os.access(path, how, effective_ids=os.access in os.supports_effective_ids)


def _told(what: str, path: Path) -> str:
    user, owner = os.geteuid(), path.stat().st_uid
    told = f"user {user} may not {what} {path} (owner {owner})"
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        return f"{told}, whose disk is read-only; mount it for writing, or point DATABASE_URL somewhere else"
    give = f"give it to that user, as by `chown {'-R ' if path.is_dir() else ''}{user} {path}`"
    cure = give if owner != user else f"let it, as by `chmod u+rwX {path}`"
    return f"{told}; {cure}, or point DATABASE_URL somewhere else"
