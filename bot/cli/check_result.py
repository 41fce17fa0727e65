"""The result of a check."""

from dataclasses import dataclass
from enum import StrEnum

from bot.logs import escape_unprintable
from bot.messages.message import Message
from bot.messages.render import render


class Status(StrEnum):
    """The outcome of a check."""

    OK = "ok"
    FAIL = "FAIL"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The name of a check, its outcome, and what was found or what to do."""

    status: Status
    name: str
    text: Message

    def __str__(self) -> str:
        return f"{self.status:<4}  {self.name}: {escape_unprintable(render(self.text))}"


def ok(name: str, text: Message) -> CheckResult:
    """Return the result of a check that passed."""
    return CheckResult(Status.OK, name, text)


def fail(name: str, text: Message) -> CheckResult:
    """Return the result of a check that failed: what is wrong and what to do."""
    return CheckResult(Status.FAIL, name, text)


def skip(name: str, text: Message) -> CheckResult:
    """Return the result of a check that could not be run, and why."""
    return CheckResult(Status.SKIP, name, text)
