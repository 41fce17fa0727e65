"""`python -m bot check`: is everything set up right? A line each, with what to do about what isn't."""

import asyncio
import json
from collections.abc import Awaitable, Sequence
from itertools import chain

from bot.clock import SystemClock
from bot.errors import StartupError
from bot.program.checks import database, discord, service, voice
from bot.program.checks.line import Line, Status, fail, ok
from bot.program.output import say
from bot.settings import Settings, load_with_remarks
from bot.telemetry.logs import escaped

CONFIGURATION = "configuration"


def check(*, as_json: bool = False) -> int:
    """Check it all and write the report, as text or as one JSON object; return 0 where nothing failed, else 1.

    Raises:
        StartupError: the configuration is bad, so that there is nothing more to check.
    """
    try:
        loaded = load_with_remarks()
    except StartupError as fault:
        faults = len(fault.sentence.splitlines())
        what = "one setting is" if faults == 1 else f"{faults} settings are"
        text = f"{what} missing or unusable; each has a line on standard error"
        _report([fail(CONFIGURATION, text)], as_json=as_json)
        raise
    first = ok(CONFIGURATION, "; ".join(["every setting can be used", *loaded.remarks]))
    lines = [first, *asyncio.run(_look(loaded.settings))]
    _report(lines, as_json=as_json)
    return int(any(line.status is Status.FAIL for line in lines))


async def _look(settings: Settings) -> list[Line]:
    """Ask everything at once; the lines come in the order in which they are best mended."""
    found = await asyncio.gather(
        _ended(service.KEY, service.check_service(settings, SystemClock())),
        _ended(database.NAME, database.check_database(settings)),
        _ended(voice.NAME, voice.check_voice()),
        _ended(discord.TOKEN, discord.check_discord(settings)),
    )
    return list(chain.from_iterable(found))


async def _ended(name: str, looking: Awaitable[list[Line]]) -> list[Line]:
    """Return what a check found; whatever else it ends on is a line as well, and the other checks go on."""
    try:
        return await looking
    except Exception as error:
        return [fail(name, f"couldn't be looked at, for a fault of my own ({type(error).__name__}); please report it")]


def _report(lines: Sequence[Line], *, as_json: bool) -> None:
    summary = _summary([line.status for line in lines])
    if as_json:
        checks = [{"name": line.name, "status": str(line.status), "text": line.text} for line in lines]
        say(json.dumps({"summary": summary, "checks": checks}, ensure_ascii=False))
        return
    for line in lines:
        say(escaped(str(line)))
    say(summary)


def _summary(each: Sequence[Status]) -> str:
    if failed := each.count(Status.FAIL):
        return f"{failed} of {len(each)} failed"
    skipped = each.count(Status.SKIP)
    return f"all {len(each) - skipped} ok" + (f", {skipped} skipped" if skipped else "")
