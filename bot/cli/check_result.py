"""One line of what a check found."""

from dataclasses import dataclass
from enum import StrEnum

from bot.telemetry.logs import escape_unprintable


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    FAIL = "FAIL"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What was looked at, how that went, and what was found or is to be done."""

    status: Status
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.status:<4}  {self.name}: {escape_unprintable(self.text)}"


def ok(name: str, text: str) -> CheckResult:
    """Say that something is as it should be."""
    return CheckResult(Status.OK, name, text)


def fail(name: str, text: str) -> CheckResult:
    """Say what is wrong and what to do about it."""
    return CheckResult(Status.FAIL, name, text)


def skip(name: str, text: str) -> CheckResult:
    """Say why something could not be looked at."""
    return CheckResult(Status.SKIP, name, text)
