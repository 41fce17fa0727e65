"""Which models may be chosen: the operator's allowlist, and the kind of each model."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from bot.errors import ModelNotAllowed
from bot.messages import models as texts
from bot.setting_values import MODEL


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
