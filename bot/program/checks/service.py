"""The AI service: is the key accepted, and does it have the models that are set?"""

from bot.api.client import ApiClient
from bot.api.transport import open_session
from bot.clock import Clock
from bot.errors import ApiError, ApiTimeout, ApiUnreachable, PaymentOrForbidden, Unauthorised
from bot.models.allowlist import matches
from bot.program.checks.line import Line, fail, ok, skip
from bot.settings import Settings
from bot.workers.intake import Intake

KEY, MODELS = "API key", "models"


async def check_service(settings: Settings, clock: Clock) -> list[Line]:
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
            intake=Intake(),
        )
        return await api.models()


def _check_models(settings: Settings, listed: list[str]) -> Line:
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
