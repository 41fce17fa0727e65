"""How many processes share the tests, and how patient they are."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Use one more than there are cores, since trips mostly wait; none for what a single file holds."""
    named = [Path(each.split("::")[0]) for each in config.args]
    if len(named) == 1 and named[0].is_file():
        return 0
    return (os.cpu_count() or 1) + 1
