"""`python -m bot check`: whether everything is set up right: a line for each check, with what to do if it failed."""

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
from bot.cli.process import write_line
from bot.clock import Clock, SystemClock
from bot.errors import ApiError, ApiTimeout, ApiUnreachable, PaymentOrForbidden, StartupError, Unauthorised
from bot.messages.render import render
from bot.models.allowlist import matches
from bot.settings import Settings, load_with_warnings
from bot.store.open import inspect
from bot.telemetry.logs import escape_unprintable
from bot.workers.pool import DecodingWorkers

DATABASE = "database"


async def check_database(settings: Settings) -> list[CheckResult]:
    """Return whether the database can be used; nothing in it is changed."""
    try:
        return [ok(DATABASE, "; ".join(map(render, await asyncio.to_thread(inspect, settings.database_url))))]
    except StartupError as error:
        return [fail(DATABASE, render(error.message))]


VOICE_LIBRARIES: Final = "voice libraries"
LIBRARIES: Final = (("av", "av", (14,)), ("davey", "davey", (0, 1, 7)), ("nacl.secret", "PyNaCl", (1, 6, 2)))
"""Module, distribution, and the oldest version that works (older PyNaCl has a known vulnerability)."""


async def check_voice() -> list[CheckResult]:
    """Return whether each voice library can be imported and has the needed version."""
    found, wrong = [], []
    for module, distribution, needed in LIBRARIES:
        wanted = ".".join(map(str, needed))
        try:
            importlib.import_module(module)
            present = version(distribution)
        except Exception:  # a broken build may raise any class
            wrong.append(f"{distribution} (at least {wanted}) is missing or doesn't load")
            continue
        if tuple(map(int, re.findall(r"\d+", present)[:3])) < needed:
            wrong.append(f"{distribution} is {present}, at least {wanted} is needed")
        found.append(f"{distribution} {present}")
    if wrong:
        return [fail(VOICE_LIBRARIES, f"{'; '.join(wrong)}. Run pip install -r requirements.txt")]
    return [ok(VOICE_LIBRARIES, ", ".join(found))]


API_KEY, MODELS = "API key", "models"


async def check_api(settings: Settings, clock: Clock) -> list[CheckResult]:
    """Request the service's models; return a result about the key and one about the models."""
    try:
        listed = await _list_models(settings, clock)
    except ApiError as error:
        return [fail(API_KEY, _explain(error, settings)), skip(MODELS, "the service has to answer first")]
    return [ok(API_KEY, f"accepted by {settings.multiappai_base_url}"), _check_models(settings, listed)]


async def _list_models(settings: Settings, clock: Clock) -> list[str]:
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


def _explain(error: ApiError, settings: Settings) -> str:
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
    """Run all checks and print the report, as text or as one JSON object; return 0 if none failed, else 1.

    Raises:
        StartupError: the configuration is bad, so nothing else can be checked.
    """
    try:
        loaded = load_with_warnings()
    except StartupError as error:
        count = len(render(error.message).splitlines())
        what = "one setting is" if count == 1 else f"{count} settings are"
        text = f"{what} missing or unusable; each has a line on standard error"
        _report([fail(CONFIGURATION, text)], as_json=as_json)
        raise
    first = ok(CONFIGURATION, "; ".join(["every setting can be used", *map(render, loaded.warnings)]))
    results = [first, *asyncio.run(_run_checks(loaded.settings))]
    _report(results, as_json=as_json)
    return int(any(result.status is Status.FAIL for result in results))


async def _run_checks(settings: Settings) -> list[CheckResult]:
    """Run all checks at once; return their results in the order in which they are best fixed."""
    found = await asyncio.gather(
        _guard(API_KEY, check_api(settings, SystemClock())),
        _guard(DATABASE, check_database(settings)),
        _guard(VOICE_LIBRARIES, check_voice()),
        _guard(check_discord.TOKEN, check_discord.check_discord(settings)),
    )
    return list(chain.from_iterable(found))


async def _guard(name: str, check_run: Awaitable[list[CheckResult]]) -> list[CheckResult]:
    """Return the results of a check; an unexpected error is a result as well, and the other checks go on."""
    try:
        return await check_run
    except Exception as error:
        return [fail(name, f"couldn't be looked at, for a fault of my own ({type(error).__name__}); please report it")]


def _report(results: Sequence[CheckResult], *, as_json: bool) -> None:
    summary = _summary([result.status for result in results])
    if as_json:
        checks = [{"name": result.name, "status": str(result.status), "text": result.text} for result in results]
        write_line(json.dumps({"summary": summary, "checks": checks}, ensure_ascii=False))
        return
    for result in results:
        write_line(escape_unprintable(str(result)))
    write_line(summary)


def _summary(each: Sequence[Status]) -> str:
    if failed := each.count(Status.FAIL):
        return f"{failed} of {len(each)} failed"
    skipped = each.count(Status.SKIP)
    return f"all {len(each) - skipped} ok" + (f", {skipped} skipped" if skipped else "")
