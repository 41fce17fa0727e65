"""`python -m bot check`: whether everything is set up right: a line for each check, with what to do if it failed."""

import asyncio
import importlib
import json
import re
from collections.abc import Awaitable, Sequence
from importlib.metadata import version
from itertools import chain
from typing import Final

from bot.api.api_client import ApiClient
from bot.api.transport import open_session
from bot.cli import check_discord
from bot.cli.check_result import CheckResult, Status, fail, ok, skip
from bot.cli.process import write_line
from bot.clock import Clock, SystemClock
from bot.errors import ApiError, ApiTimeout, ApiUnreachable, PaymentOrForbidden, StartupError, Unauthorised
from bot.logs import escape_unprintable
from bot.messages import operator as texts
from bot.messages.message import Message
from bot.messages.render import render
from bot.model_catalog import matches
from bot.settings import Settings, load_with_warnings
from bot.store.open import inspect
from bot.workers.pool import DecodingWorkers

DATABASE = "database"


async def check_database(settings: Settings) -> list[CheckResult]:
    """Return whether the database can be used; nothing in it is changed."""
    try:
        return [ok(DATABASE, texts.findings(await asyncio.to_thread(inspect, settings.database_url)))]
    except StartupError as error:
        return [fail(DATABASE, error.message)]


VOICE_LIBRARIES: Final = "voice libraries"
LIBRARIES: Final = (("av", "av", (14,)), ("davey", "davey", (0, 1, 7)), ("nacl.secret", "PyNaCl", (1, 6, 2)))
"""Module, distribution, and the oldest version that works (older PyNaCl has a known vulnerability)."""


async def check_voice() -> list[CheckResult]:
    """Return whether each voice library can be imported and has the needed version."""
    found: list[Message] = []
    wrong: list[Message] = []
    for module, distribution, needed in LIBRARIES:
        wanted = ".".join(map(str, needed))
        try:
            importlib.import_module(module)
            present = version(distribution)
        except Exception:  # a broken build may raise any class
            wrong.append(texts.voice_library_missing(distribution, wanted))
            continue
        if tuple(map(int, re.findall(r"\d+", present)[:3])) < needed:
            wrong.append(texts.voice_library_too_old(distribution, present, wanted))
        found.append(texts.voice_library(distribution, present))
    if wrong:
        return [fail(VOICE_LIBRARIES, texts.voice_libraries_unusable(wrong))]
    return [ok(VOICE_LIBRARIES, texts.voice_libraries_found(found))]


API_KEY, MODELS = "API key", "models"
MAX_MODELS_SHOWN: Final = 20


async def check_api(settings: Settings, clock: Clock) -> list[CheckResult]:
    """Request the service's models; return a result about the key and one about the models."""
    try:
        listed = await _list_models(settings, clock)
    except ApiError as error:
        return [fail(API_KEY, _explain(error, settings)), skip(MODELS, texts.api_needed())]
    return [ok(API_KEY, texts.api_key_accepted(settings.multiappai_base_url)), _check_models(settings, listed)]


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
        return await api.models.list_names()


def _check_models(settings: Settings, listed: list[str]) -> CheckResult:
    defaults = {
        "DEFAULT_CHAT_MODEL": settings.default_chat_model,
        "DEFAULT_SPEECH_MODEL": settings.default_speech_model,
        "DEFAULT_IMAGE_MODEL": settings.default_image_model,
    }
    wrong = [texts.model_not_listed(name, model) for name, model in defaults.items() if model not in listed]
    if settings.allowed_models and not any(matches(model, settings.allowed_models) for model in listed):
        wrong.append(texts.no_allowed_model_listed())
    if wrong:
        return fail(MODELS, _describe_unlisted(wrong, sorted(listed)))
    return ok(MODELS, texts.models_listed(list(defaults.values()), len(listed)))


def _describe_unlisted(problems: Sequence[Message], listed: Sequence[str]) -> Message:
    if not listed:
        return texts.no_models_listed(problems)
    if len(listed) > MAX_MODELS_SHOWN:
        return texts.models_not_listed_of_many(problems, listed[:MAX_MODELS_SHOWN])
    return texts.models_not_listed(problems, listed)


def _explain(error: ApiError, settings: Settings) -> Message:
    base = settings.multiappai_base_url
    match error:
        case Unauthorised():
            return texts.api_key_refused(base)
        case PaymentOrForbidden():
            return texts.api_account_refused(base, str(error.status))
        case ApiUnreachable() | ApiTimeout():
            return texts.api_unreachable(base)
        case _:
            return texts.no_list_of_models(base, str(error))


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
        _report([fail(CONFIGURATION, texts.settings_unusable(count))], as_json=as_json)
        raise
    first = ok(CONFIGURATION, texts.findings([texts.settings_usable(), *loaded.warnings]))
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
    except Exception as error:  # what a check did not foresee is what its reader has to know
        return [fail(name, texts.check_broken(type(error).__name__))]


def _report(results: Sequence[CheckResult], *, as_json: bool) -> None:
    summary = render(_summarize([result.status for result in results]))
    if as_json:
        checks = [
            {"name": result.name, "status": str(result.status), "text": render(result.text)} for result in results
        ]
        write_line(json.dumps({"summary": summary, "checks": checks}, ensure_ascii=False))
        return
    for result in results:
        write_line(escape_unprintable(str(result)))
    write_line(summary)


def _summarize(each: Sequence[Status]) -> Message:
    if failed := each.count(Status.FAIL):
        return texts.checks_failed(failed, len(each))
    if skipped := each.count(Status.SKIP):
        return texts.all_checks_ok_but_skipped(len(each) - skipped, skipped)
    return texts.all_checks_ok(len(each))
