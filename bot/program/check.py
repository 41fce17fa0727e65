"""`python -m bot check`: is everything set up right? A line each, with what to do about what isn't."""

import asyncio
import sys
from itertools import chain

from bot.clock import SystemClock
from bot.errors import StartupFault
from bot.program.checks.database import check_database
from bot.program.checks.discord import check_discord
from bot.program.checks.line import Line, Status, fail, ok
from bot.program.checks.service import check_service
from bot.program.checks.voice import check_voice
from bot.settings import Settings, load

CONFIGURATION = "configuration"


def check() -> int:
    """Check it all and print the lines; return 0 where nothing failed, else 1.

    Raises:
        StartupFault: the configuration is bad, so that there is nothing more to check.
    """
    try:
        settings = load()
    except StartupFault as fault:
        faults = len(fault.sentence.splitlines())
        what = "one setting is" if faults == 1 else f"{faults} settings are"
        _print(fail(CONFIGURATION, f"{what} missing or unusable; each has a line on standard error"))
        raise
    _print(ok(CONFIGURATION, "every setting can be used"))
    lines = asyncio.run(_look(settings))
    for line in lines:
        _print(line)
    return int(any(line.status is Status.FAIL for line in lines))


async def _look(settings: Settings) -> list[Line]:
    """Ask everything at once; the lines come in the order in which they are best mended."""
    service, database, discord = await asyncio.gather(
        check_service(settings, SystemClock()), check_database(settings), check_discord(settings)
    )
    return list(chain(service, [database, check_voice()], discord))


def _print(line: Line) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
