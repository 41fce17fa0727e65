"""What a model is for, told from its name, since `GET /models` says nothing about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final


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
class Kinds:
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
