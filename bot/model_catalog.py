"""Which models may be chosen: the operator's allowlist, and the kind of each model."""

import logging
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from bot.clock import Clock
from bot.errors import ApiError, ModelNotAllowed
from bot.messages import settings as texts
from bot.setting_values import MODEL
from bot.tasks import background_loop

logger = logging.getLogger(__name__)


class ModelKind(StrEnum):
    """What a model generates."""

    CHAT = "chat"
    SPEECH = "speech"
    IMAGE = "image"


# Tried in this order on the lower-case name. `None`: a model that this bot cannot use.
_NAME_PATTERNS: Final[tuple[tuple[ModelKind | None, tuple[str, ...]], ...]] = (
    (
        None,
        (
            "*embed*", "*whisper*", "*transcri*", "*moderation*", "*rerank*", "*realtime*", "*sora*", "veo-*",
            "*-veo-*", "babbage-*", "davinci-*", "*speech-to-text*", "*-asr*", "*upscale*",
        ),
    ),
    (ModelKind.SPEECH, ("*tts*", "speech-*", "*text-to-speech*", "eleven_*", "*kokoro*")),
    (
        ModelKind.IMAGE,
        (
            "*dall-e*", "*dalle*", "*image*", "*imagen*", "*flux*", "*stable-diffusion*", "sd3*", "*sdxl*",
            "*midjourney*", "*ideogram*", "*recraft*", "*seedream*",
        ),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelKinds:
    """Finds the kind of a model: by the operator's patterns first, then by its name."""

    chat: Sequence[str] = ()
    speech: Sequence[str] = ()
    image: Sequence[str] = ()

    def get_kind(self, model: str) -> ModelKind | None:
        """Return what `model` is for, or None if the bot has no use for it."""
        for kind, patterns in (
            (ModelKind.CHAT, self.chat),
            (ModelKind.SPEECH, self.speech),
            (ModelKind.IMAGE, self.image),
        ):
            if matches(model, patterns):
                return kind
        for found, patterns in _NAME_PATTERNS:
            if matches(model.lower(), patterns):
                return found
        return ModelKind.CHAT


def matches(model: str, patterns: Sequence[str]) -> bool:
    """Return whether `model` matches one of the names or patterns (`gpt-4.1*`)."""
    return any(fnmatchcase(model, pattern) for pattern in patterns)


_NOT_OF_KIND: Final = {
    ModelKind.CHAT: texts.not_a_chat_model(),
    ModelKind.SPEECH: texts.not_a_speech_model(),
    ModelKind.IMAGE: texts.not_an_image_model(),
}


@dataclass(frozen=True, slots=True)
class ModelAllowlist:
    """The operator's allowlist of models.

    `allowed`: names and patterns; empty: all that the API lists. `defaults` may always be used for their own kind,
    whatever their name is.
    """

    kinds: ModelKinds
    allowed: Sequence[str]
    defaults: Mapping[ModelKind, str]

    def allows(self, model: str, kind: ModelKind, listed: Collection[str] | None) -> bool:
        """Return whether `model` may be chosen for `kind`; `listed` is the API's list, None while that is unknown.

        Until then only the defaults and what the operator allows by name may be chosen.
        """
        if model == self.defaults[kind]:
            return True
        if not re.fullmatch(MODEL, model) or self.kinds.get_kind(model) is not kind:
            return False
        if self.allowed:
            return matches(model, self.allowed)
        return listed is not None and model in listed

    def check(self, model: str, kind: ModelKind, listed: Collection[str] | None) -> None:
        """Check that `model` may be chosen for `kind`.

        Raises:
            ModelNotAllowed: it may not; its message says why.
        """
        if self.allows(model, kind, listed):
            return
        known = listed is None or model in listed
        if known and self.kinds.get_kind(model) is not kind:
            raise ModelNotAllowed(f"not a {kind} model", message=_NOT_OF_KIND[kind])
        if listed is None and not self.allowed:
            raise ModelNotAllowed("no list of models yet", message=texts.list_unknown())
        raise ModelNotAllowed("model not allowed", message=texts.not_allowed())


REFRESH_S = 600.0
RETRY_S = 30.0


class ModelCatalog:
    """Lists models and checks which may be chosen, from memory."""

    def __init__(
        self, list_models: Callable[[], Awaitable[list[str]]], allowlist: ModelAllowlist, clock: Clock
    ) -> None:
        self._list_models = list_models
        self._allowlist = allowlist
        self._clock = clock
        self._listed: frozenset[str] | None = None

    def running(self) -> AbstractAsyncContextManager[None]:
        """Fetch the list now and every ten minutes while the block runs; after a failure the old list stays."""
        return background_loop(
            self.refresh, REFRESH_S, self._clock, name="model list refresh", retry_s=RETRY_S, at_once=True
        )

    async def refresh(self) -> bool:
        """Fetch the list once; return whether that succeeded."""
        try:
            listed = await self._list_models()
        except ApiError as error:
            logger.warning("models not listed", extra={"error": type(error).__name__, "detail": str(error)})
            return False
        if self._listed is None or set(listed) != self._listed:
            logger.info("models listed", extra={"models": len(listed)})
        self._listed = frozenset(listed)
        return True

    def default(self, kind: ModelKind) -> str:
        """Return the operator's model for `kind`."""
        return self._allowlist.defaults[kind]

    def check(self, model: str, kind: ModelKind) -> None:
        """Check that `model` may be chosen for `kind`.

        Raises:
            ModelNotAllowed: it may not; its message says why.
        """
        self._allowlist.check(model, kind, self._listed)

    def allows(self, model: str, kind: ModelKind) -> bool:
        """Return whether `model` may be chosen for `kind`."""
        return self._allowlist.allows(model, kind, self._listed)

    def still_allows(self, model: str, kind: ModelKind) -> bool:
        """Return whether `model`, which was allowed once, may still be used: yes while the API's list is unknown."""
        return self._allowlist.allows(model, kind, (model,) if self._listed is None else self._listed)

    def list_choices(self, kind: ModelKind, search: str = "") -> list[str]:
        """Return the models that may be chosen for `kind` and have `search` in their name.

        Those that begin with it come first, then by name.
        """
        wanted = search.strip().lower()
        offered = {self.default(kind)} | (self._listed or frozenset(_list_exact_names(self._allowlist)))
        found = [name for name in offered if wanted in name.lower() and self.allows(name, kind)]
        return sorted(found, key=lambda name: (not name.lower().startswith(wanted), name.lower()))


def _list_exact_names(allowlist: ModelAllowlist) -> list[str]:
    """Return the allowed entries that are names, not patterns: they can be offered before the API has answered."""
    return [entry for entry in allowlist.allowed if not set("*?[") & set(entry)]
