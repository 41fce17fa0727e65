"""`python -m bot check`: is everything set up right? A line each, with what to do about what isn't."""

import asyncio
import importlib
import json
import re
from collections.abc import Awaitable, Sequence
from importlib.metadata import version
from itertools import chain
from typing import Final

from bot.api.client import ApiClient
from bot.api.transport import open_session
from bot.cli import check_discord
from bot.cli.check_result import CheckResult, Status, fail, ok, skip
from bot.cli.output import write_line
from bot.clock import Clock, SystemClock
from bot.errors import ApiError, ApiTimeout, ApiUnreachable, PaymentOrForbidden, StartupError, Unauthorised
from bot.messages.render import render
from bot.models.allowlist import matches
from bot.settings import Settings, load_with_remarks
from bot.store.inspection import inspect
from bot.telemetry.logs import escape_unprintable
from bot.workers.pool import DecodingWorkers

DATABASE = "database"


async def check_database(settings: Settings) -> list[CheckResult]:
    """Look at the database without altering anything."""
    try:
        return [ok(DATABASE, await asyncio.to_thread(inspect, settings.database_url))]
    except StartupError as fault:
        return [fail(DATABASE, render(fault.message))]


VOICE_LIBRARIES: Final = "voice libraries"
LIBRARIES: Final = (("av", "av", (14,)), ("davey", "davey", (0, 1, 7)), ("nacl.secret", "PyNaCl", (1, 6, 2)))
"""Module, distribution, and the first version that does (PyNaCl's earlier ones have a known fault)."""


async def check_voice() -> list[CheckResult]:
    """Import each library and look at its version."""
    found, wrong = [], []
    for module, distribution, needed in LIBRARIES:
        wanted = ".".join(map(str, needed))
        try:
            importlib.import_module(module)
            present = version(distribution)
        except Exception:  # a broken build raises whatever it likes
            wrong.append(f"{distribution} (at least {wanted}) is missing or doesn't load")
            continue
        if tuple(map(int, re.findall(r"\d+", present)[:3])) < needed:
            wrong.append(f"{distribution} is {present}, at least {wanted} is needed")
        found.append(f"{distribution} {present}")
    if wrong:
        return [fail(VOICE_LIBRARIES, f"{'; '.join(wrong)}. Run pip install -r requirements.txt")]
    return [ok(VOICE_LIBRARIES, ", ".join(found))]


KEY, MODELS = "API key", "models"


async def check_service(settings: Settings, clock: Clock) -> list[CheckResult]:
    """Ask the service for its models: a line about the key and one about the models."""
    try:
        listed = await _models(settings, clock)
    except ApiError as error:
        return [fail(KEY, _why(error, settings)), skip(MODELS, "the service has to answer first")]
    return [ok(KEY, f"accepted by {settings.multiappai_base_url}"), _check_models(settings, listed)]


async def _models(settings: Settings, clock: Clock) -> list[str]:
    async with open_session() as session:
        api = ApiClient(
            session,
            base_url=settings.multiappai_base_url,
            key=settings.multiappai_api_key.get_secret_value(),
            speech_path=settings.multiappai_speech_path,
            clock=clock,
            workers=DecodingWorkers(),
        )
        return await api.models()


def _check_models(settings: Settings, listed: list[str]) -> CheckResult:
    defaults = {
        "DEFAULT_CHAT_MODEL": settings.default_chat_model,
        "DEFAULT_SPEECH_MODEL": settings.default_speech_model,
        "DEFAULT_IMAGE_MODEL": settings.default_image_model,
    }
    wrong = [f"{name}: {model} is not on the service's list" for name, model in defaults.items() if model not in listed]
    if settings.allowed_models and not any(matches(model, settings.allowed_models) for model in listed):
        wrong.append("ALLOWED_MODELS: nothing on the service's list matches it")
    if wrong:
        some = ", ".join(sorted(listed)[:20]) or "nothing"
        return fail(
            MODELS, f"{'; '.join(wrong)}. Set it to one that is there: {some}{' …' if len(listed) > 20 else ''}"
        )
    return ok(MODELS, f"{', '.join(defaults.values())} are among the {len(listed)} that the service lists")


def _why(error: ApiError, settings: Settings) -> str:
    base = settings.multiappai_base_url
    match error:
        case Unauthorised():
            return f"{base} refused it; set MULTIAPPAI_API_KEY to a valid key"
        case PaymentOrForbidden():
            return f"{base} won't serve its account (status {error.status}); look at the account and its credit"
        case ApiUnreachable() | ApiTimeout():
            return f"{base} can't be reached; look at MULTIAPPAI_BASE_URL and the network"
        case _:
            return f"{base} gave no list of models ({error}); look at MULTIAPPAI_BASE_URL"


CONFIGURATION = "configuration"


def check(*, as_json: bool = False) -> int:
    """Check it all and write the report, as text or as one JSON object; return 0 where nothing failed, else 1.

    Raises:
        StartupError: the configuration is bad, so that there is nothing more to check.
    """
    try:
        loaded = load_with_remarks()
    except StartupError as fault:
        faults = len(render(fault.message).splitlines())
        what = "one setting is" if faults == 1 else f"{faults} settings are"
        text = f"{what} missing or unusable; each has a line on standard error"
        _report([fail(CONFIGURATION, text)], as_json=as_json)
        raise
    first = ok(CONFIGURATION, "; ".join(["every setting can be used", *loaded.remarks]))
    lines = [first, *asyncio.run(_look(loaded.settings))]
    _report(lines, as_json=as_json)
    return int(any(line.status is Status.FAIL for line in lines))


async def _look(settings: Settings) -> list[CheckResult]:
    """Ask everything at once; the lines come in the order in which they are best mended."""
    found = await asyncio.gather(
        _ended(KEY, check_service(settings, SystemClock())),
        _ended(DATABASE, check_database(settings)),
        _ended(VOICE_LIBRARIES, check_voice()),
        _ended(check_discord.TOKEN, check_discord.check_discord(settings)),
    )
    return list(chain.from_iterable(found))


async def _ended(name: str, looking: Awaitable[list[CheckResult]]) -> list[CheckResult]:
    """Return what a check found; whatever else it ends on is a line as well, and the other checks go on."""
    try:
        return await looking
    except Exception as error:
        return [fail(name, f"couldn't be looked at, for a fault of my own ({type(error).__name__}); please report it")]


def _report(lines: Sequence[CheckResult], *, as_json: bool) -> None:
    summary = _summary([line.status for line in lines])
    if as_json:
        checks = [{"name": line.name, "status": str(line.status), "text": line.text} for line in lines]
        write_line(json.dumps({"summary": summary, "checks": checks}, ensure_ascii=False))
        return
    for line in lines:
        write_line(escape_unprintable(str(line)))
    write_line(summary)


def _summary(each: Sequence[Status]) -> str:
    if failed := each.count(Status.FAIL):
        return f"{failed} of {len(each)} failed"
    skipped = each.count(Status.SKIP)
    return f"all {len(each) - skipped} ok" + (f", {skipped} skipped" if skipped else "")
