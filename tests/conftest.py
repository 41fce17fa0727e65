"""How many processes share the tests."""

import os
from pathlib import Path

import pytest


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Use one more than there are cores, since trips mostly wait; none for what a single file holds."""
    named = [Path(each.split("::")[0]) for each in config.args]
    if len(named) == 1 and named[0].is_file():
        return 0
    return (os.cpu_count() or 1) + 1
