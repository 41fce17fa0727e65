"""A disk that can be filled, where one can be made."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FILLING = "filling"


@contextmanager
def small_disk(folder: Path, megabytes: int = 4) -> Iterator[Path]:
    """Mount a small disk at a new folder below `folder`; skips the test where that is not allowed."""
    place = folder / "disk"
    place.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("no disk can be mounted here")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill_disk(place: Path) -> None:
    """Leave no byte on the disk."""
    with (place / FILLING).open("wb", buffering=0) as file:
        for size in (2**16, 2**12, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue


def make_room(place: Path) -> None:
    """Take away what fills the disk."""
    (place / FILLING).unlink()
