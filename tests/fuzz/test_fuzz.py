"""Ten seconds of each fuzzer; `python -m tests.fuzz TARGET` does more of it."""

import re
import subprocess
import sys

import pytest

from tests.fuzz.__main__ import targets

SECONDS = 10


@pytest.mark.parametrize("target", targets())
def test_ten_seconds_find_nothing(target: str) -> None:
    command = [sys.executable, "-m", "tests.fuzz", target, "--seconds", str(SECONDS)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    passed = re.fullmatch(rf"{target}: (\d+) cases passed, seed \d+", ended.stdout.strip().splitlines()[-1])
    assert passed is not None
    assert int(passed[1]) > 0
