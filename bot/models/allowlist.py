"""Which models may be chosen: the operator's rule, without any network in it."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from bot.errors import ModelNotAllowed
from bot.messages.message import plain
from bot.setting_values import MODEL


class ModelKind(StrEnum):
    """What a model gives back."""

    CHAT = "chat"
    SPEECH = "speech"
    IMAGE = "image"


# Looked for in this order, in the lower-case name. `None`: nothing this bot can use.
_BY_NAME: Final[tuple[tuple[ModelKind | None, tuple[str, ...]], ...]] = (
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
    """Tells the kind of a model: the operator's patterns first, then the name."""

    chat: Sequence[str] = ()
    speech: Sequence[str] = ()
    image: Sequence[str] = ()

    def of(self, model: str) -> ModelKind | None:
        """Return what `model` is for, or None if the bot has no use for it."""
        for kind, patterns in (
            (ModelKind.CHAT, self.chat),
            (ModelKind.SPEECH, self.speech),
            (ModelKind.IMAGE, self.image),
        ):
            if matches(model, patterns):
                return kind
        for by_name, patterns in _BY_NAME:
            if matches(model.lower(), patterns):
                return by_name
        return ModelKind.CHAT


def matches(model: str, patterns: Sequence[str]) -> bool:
    """Whether `model` is one of the names or fits one of the patterns (`gpt-4.1*`)."""
    return any(fnmatchcase(model, pattern) for pattern in patterns)


_WHAT = {
    ModelKind.CHAT: "answer questions",
    ModelKind.SPEECH: "speak",
    ModelKind.IMAGE: "draw",
}


@dataclass(frozen=True, slots=True)
class ModelAllowlist:
    """The operator's say on models.

    `allowed`: names and patterns; empty: all that the API lists. `defaults` may always be used for their own kind,
    whatever their name looks like.
    """

    kinds: ModelKinds
    allowed: Sequence[str]
    defaults: Mapping[ModelKind, str]

    def allows(self, model: str, kind: ModelKind, listed: Collection[str] | None) -> bool:
        """Whether `model` may be chosen for `kind`; `listed` is what the API offers, None while that is unknown.

        Until then only the defaults and what the operator allows by name may be.
        """
        if model == self.defaults[kind]:
            return True
        if not re.fullmatch(MODEL, model) or self.kinds.of(model) is not kind:
            return False
        if self.allowed:
            return matches(model, self.allowed)
        return listed is not None and model in listed

    def check(self, model: str, kind: ModelKind, listed: Collection[str] | None) -> None:
        """Do nothing if `model` may be chosen for `kind`.

        Raises:
            ModelNotAllowed: it may not; the sentence says why.
        """
        if self.allows(model, kind, listed):
            return
        known = listed is None or model in listed
        if known and self.kinds.of(model) is not kind:
            raise ModelNotAllowed(
                f"not a {kind} model",
                message=plain(f"That model can't {_WHAT[kind]}. `/models` shows what each one is for."),
            )
        if listed is None and not self.allowed:
            raise ModelNotAllowed(
                "no list of models yet",
                message=plain(
                    "I don't know yet which models there are, so only the usual one works. "
                    "Please try again in a minute."
                ),
            )
        raise ModelNotAllowed(
            "model not allowed", message=plain("That model can't be chosen here. `/models` lists the ones that can.")
        )
