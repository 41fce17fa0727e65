"""A lock file beside the database for each process, locked for as long as the process lives.

The operating system releases the lock however the process ends, so another process on the same machine, or in
another container with the same volume, knows at once and for certain: locked means alive, whatever its lease in the
database says, and not locked means dead. Where there are no such locks the file says nothing and leases decide alone.
"""

import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bot.clock import SystemClock

try:
    import fcntl
except ImportError:  # Windows has other locks

    def _lock(descriptor: int, *, wait: bool) -> None:
        raise OSError(f"no such locks on this system: {descriptor=} {wait=}")

else:

    def _lock(descriptor: int, *, wait: bool) -> None:
        """Lock a file. Raises BlockingIOError if another process holds it, any other OSError without locks."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


_NAME_MIDDLE = "-alive-"
"""Between the database's name and the process's in the file's name."""

PULSE_BYTES = 200
"""The length of a pulse: more than any host's name needs."""

STALE_AFTER_S = 24 * 3600
"""Lock files of processes that crashed and were never cleaned up are deleted after this long."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HealthPulse:
    """What a process last wrote about itself: its host, when, and whether it is connected to Discord.

    `at` is in seconds of the monotonic clock, which all processes of a host share.
    """

    host: str
    at: float
    connected: bool


class ProcessLock:
    """This process's own lock file. Made by `holding`, which in the end removes it."""

    def __init__(self, database: Path, process: str) -> None:
        self.process = process
        self._database = database
        self._descriptor = _create_locked(_path(database, process))

    def write_pulse(self, *, connected: bool) -> None:
        """Write that the process is alive, and whether it is connected; quick, and never raises."""
        if self._descriptor is None:
            return
        at = round(SystemClock().monotonic(), 1)
        pulse = json.dumps({"host": socket.gethostname(), "at": at, "connected": connected})
        try:
            # The same length each time: overwriting in place works on a full disk too.
            os.pwrite(self._descriptor, pulse.ljust(PULSE_BYTES).encode(), 0)
        except OSError as error:
            logger.warning("pulse not written", extra={"error": error.strerror})

    def rename(self, process: str) -> None:
        """Lock a file for the process's new name, with the same pulse, and remove the former one."""
        renamed = ProcessLock(self._database, process)
        if self._descriptor is not None and renamed._descriptor is not None:
            with suppress(OSError):  # the next pulse follows
                os.pwrite(renamed._descriptor, os.pread(self._descriptor, PULSE_BYTES, 0), 0)
        self.close()
        self.process, self._descriptor = process, renamed._descriptor

    def close(self) -> None:
        """Remove the file and write no more: once it is closed, another file can have its descriptor."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            self.remove_lock(self.process)
            os.close(descriptor)

    def is_alive(self, process: str) -> bool | None:
        """Return whether another process lives; None where that cannot be known from here."""
        if process == self.process:
            return True
        return _is_locked(_path(self._database, process))

    def is_alone(self) -> bool:
        """Return whether no other process lives beside the database, as far as that can be known."""
        own = _path(self._database, self.process)
        others = (path for path in _paths(self._database) if path != own)
        return self._descriptor is not None and all(_is_locked(path) is False for path in others)

    def remove_lock(self, process: str) -> None:
        """Remove the file of a process that is dead."""
        with suppress(OSError):
            _path(self._database, process).unlink()


@contextmanager
def holding(database: Path, process: str) -> Iterator[ProcessLock]:
    """Hold the file of `process` beside the database file at `database`."""
    _delete_stale_files(database)
    process_lock = ProcessLock(database, process)
    try:
        yield process_lock
    finally:
        process_lock.close()


def _create_locked(path: Path) -> int | None:
    """Create and lock a file; return its descriptor, or None where that is not possible."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError as error:
        logger.warning("lock file not locked", extra={"error": error.strerror})
        return None
    try:
        _lock(descriptor, wait=True)  # the name is the process's own: another holds the lock only while probing it
    except OSError as error:
        # An unlocked file would call a living process dead.
        logger.warning("lock file not locked", extra={"error": error.strerror})
        os.close(descriptor)
        path.unlink(missing_ok=True)
        return None
    return descriptor


def list_pulses(database: Path) -> list[HealthPulse]:
    """Return the last pulses of the living processes on a database."""
    found = []
    for path in _paths(database):
        if _is_locked(path) is not False:
            with suppress(OSError, ValueError, KeyError, TypeError):
                pulse = json.loads(path.read_text())
                found.append(HealthPulse(str(pulse["host"]), float(pulse["at"]), pulse["connected"] is True))
    return found


def _delete_stale_files(database: Path) -> None:
    """Delete old files of dead processes that no table knows: killed before they were in the database."""
    for path in _paths(database):
        with suppress(OSError):
            if path.stat().st_mtime < time.time() - STALE_AFTER_S and _is_locked(path) is False:
                path.unlink()


def _paths(database: Path) -> Iterator[Path]:
    """Return the files of all processes on a database, living and dead."""
    return database.parent.glob(f"{database.name}{_NAME_MIDDLE}*")


def _path(database: Path, process: str) -> Path:
    return database.with_name(f"{database.name}{_NAME_MIDDLE}{process}")


def _is_locked(path: Path) -> bool | None:
    """Return whether a process holds the lock; None if there is no file, or no locks."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        _lock(descriptor, wait=False)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return False
