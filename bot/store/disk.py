"""The disk of the database: permissions of its files, network file systems, and free space."""

import errno
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from bot.errors import StartupError, StoreFull, StoreReadOnly, StoreUnavailable, Unstorable
from bot.messages import database as texts
from bot.messages.message import Message

_SUFFIXES: Final = ("", "-wal", "-shm")
_SEARCH, _WRITE_IN, _USE = os.X_OK, os.W_OK | os.X_OK, os.R_OK | os.W_OK


def find_permission_error(path: Path) -> StartupError | None:
    """Return an error with what this user lacks to use the database and what to do; None if nothing is missing."""
    if not hasattr(os, "geteuid"):  # Windows has other rights than these
        return None
    obstacle = _obstacle(path.absolute())
    return None if obstacle is None else StartupError(_describe_obstacle(path, *obstacle))


def _obstacle(path: Path) -> tuple[texts.Access, Path] | None:
    """Return what this user may not do, and with which folder or file."""
    folder = Path(path.anchor)
    for each in reversed(path.parents):
        if not _exists(each):
            break
        if not each.is_dir():
            return None
        folder = each
        if not _can(folder, _SEARCH):
            return "search", folder
    if not _can(folder, _WRITE_IN):
        return "write", folder
    files = (path.with_name(path.name + end) for end in _SUFFIXES)
    return next((("use", file) for file in files if _exists(file) and not _can(file, _USE)), None)


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True


def _can(path: Path, how: int) -> bool:
    return os.access(path, how, effective_ids=os.access in os.supports_effective_ids)


def _describe_obstacle(path: Path, access: texts.Access, target: Path) -> Message:
    """Return what this user may not do with `target`, which keeps it from using the database at `path`."""
    user, owner = os.geteuid(), target.stat().st_uid
    if os.statvfs(target).f_flag & os.ST_RDONLY:
        return texts.on_read_only_disk(str(path), user, access, str(target), owner)
    if owner == user:
        return texts.forbidden_by_mode(str(path), user, access, str(target))
    if target.is_dir():
        return texts.folder_of_another_user(str(path), user, access, str(target), owner)
    return texts.file_of_another_user(str(path), user, str(target), owner)


MIN_FREE_BYTES: Final = 64 * 2**20
"""With less, a disk counts as full: the write-ahead log of a busy evening takes as much."""

DISK_FULL_ERRNOS: Final = frozenset({errno.ENOSPC, errno.EDQUOT})

NETWORK_FILE_SYSTEMS: Final = (
    frozenset({"9p", "afs", "ceph", "cifs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs", "virtiofs"})
    | frozenset({"drvfs", "fakeowner", "fuse.grpcfuse", "fuse.vmhgfs-fuse", "osxfs", "prl_fs", "vboxsf"})
    | frozenset({"fuse.ceph-fuse", "fuse.davfs", "fuse.gcsfuse", "fuse.glusterfs", "fuse.juicefs", "fuse.rclone"})
    | frozenset({"fuse.s3fs", "fuse.smbnetfs", "fuse.sshfs"})
)
"""File systems on which SQLite's locks, or its memory shared between processes, may not hold."""

_MIN_FREE_FOR_SIDE_FILES: Final = 2**16
"""In bytes. SQLite's smallest file beside the database takes half of it."""

_MOUNTS: Final = Path("/proc/self/mountinfo")
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")
_OTHERS: Final = 0o077
_GROUP_WRITES: Final = 0o020


def create(path: Path) -> None:
    """Create an empty file that only its owner may read; SQLite gives the files beside it the same mode.

    Where that fails SQLite will say why.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600))


def restrict_to_owner(path: Path) -> list[Path]:
    """Make the database's files readable by their owner only; return those that could not be changed.

    Where the group may write as well, it is meant to, and keeps its rights.
    """
    left = []
    for file, mode in _files_open_to_others(path):
        try:
            file.chmod(mode & ~_unintended_bits(mode))
        except OSError:
            left.append(file)
    return left


def list_readable_by_others(path: Path) -> list[Path]:
    """Return the database's files that others than their owner may read, where that is not meant."""
    return [file for file, _ in _files_open_to_others(path)]


def find_network_file_system(path: Path, mounts: str | None = None) -> str | None:
    """Return the type of a path's file system if it is a network one; None if it is local or unknown.

    Args:
        mounts: the content of `/proc/self/mountinfo`; read from there by default.
    """
    if mounts is None:
        try:
            mounts = _MOUNTS.read_text(errors="surrogateescape")
        except OSError:
            return None
    whole = os.path.realpath(path)
    nearest, kind = "", ""
    for line in mounts.splitlines():
        head, _, tail = line.partition(" - ")
        fields = head.split(" ")
        if len(fields) < 5 or not tail:
            continue
        point = _ESCAPED.sub(lambda octal: chr(int(octal[1], 8)), fields[4])
        if (whole == point or whole.startswith(point.rstrip("/") + "/")) and len(point) >= len(nearest):
            nearest, kind = point, tail.split(" ")[0]
    return kind if kind in NETWORK_FILE_SYSTEMS else None


def get_database_files(path: Path) -> tuple[Path, Path, Path]:
    """Return the database's files: SQLite keeps two beside the one that a link leads to."""
    path = Path(os.path.realpath(path))
    return path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def free(folder: Path) -> int | None:
    """Return the bytes that are free for this user on a folder's disk; None if unknown."""
    try:
        found = os.statvfs(folder)
    except (OSError, AttributeError):
        return None
    return found.f_bavail * found.f_frsize if found.f_blocks else None


def is_full(error: sqlite3.Error, path: Path) -> bool:
    """Return whether SQLite failed for want of room on the disk of the file at `path`."""
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return True
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN:
            # SQLite reports these when there is no room for the files beside the database.
            left = free(path.parent)
            return left is not None and left < _MIN_FREE_FOR_SIDE_FILES
    return False


def is_read_only(error: sqlite3.Error) -> bool:
    """Return whether SQLite failed because the file may not be written."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY


def is_busy(error: sqlite3.Error) -> bool:
    """Return whether SQLite failed because another connection is writing."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def build_store_error(error: sqlite3.Error, path: Path) -> StoreUnavailable:
    """Build the error that says for members why a transaction failed, and for the log with which code."""
    detail = f"{type(error).__name__} {getattr(error, 'sqlite_errorname', 'no SQLite code')}"
    if is_full(error, path):
        return StoreFull(detail)
    if is_read_only(error):
        return StoreReadOnly(detail)
    if isinstance(error, sqlite3.IntegrityError):
        # What breaks a rule of the schema would break it the next time too.
        return Unstorable(detail, message=StoreUnavailable.message)
    return StoreUnavailable(detail)


def _files_open_to_others(path: Path) -> Iterator[tuple[Path, int]]:
    if os.name != "posix":
        return
    for file in get_database_files(path):
        with suppress(OSError):
            mode = file.stat().st_mode & 0o777
            if mode & _unintended_bits(mode):
                yield file, mode


def _unintended_bits(mode: int) -> int:
    """Return the bits of a file's mode that should not be set."""
    return 0o007 if mode & _GROUP_WRITES else _OTHERS
