"""Image requests: their options, and the sizes that models are known for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from bot.errors import InvalidOption
from bot.messages import images as texts

MAX_IMAGES: Final = 4
MAX_PROMPT_LENGTH: Final = 4000
"""What a modal's text field takes, so that every prompt can be edited in one."""

# By the prefix of the model's name. From OpenAI's documentation of /images/generations.
_SIZES: Final[Mapping[str, tuple[str, ...]]] = {
    "dall-e-3": ("1024x1024", "1792x1024", "1024x1792"),
    "dall-e-2": ("256x256", "512x512", "1024x1024"),
    "gpt-image-1": ("1024x1024", "1536x1024", "1024x1536", "auto"),
}
# These refuse `n` above 1 (dall-e-3) or do not support it (CogView).
_SINGLE_IMAGE_PREFIXES: Final = ("dall-e-3", "cogview")
_PIXELS: Final = re.compile(r"(\d{2,5})\s*[x×*]\s*(\d{2,5})", re.IGNORECASE)
_OTHER_SIZES: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}|\d{1,2}:\d{1,2}|\d{1,2}[Kk]")  # auto, 16:9, 2K


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """What a member asks for; `size` None leaves it to the model. `chosen`: the member chose this model."""

    prompt: str
    model: str
    size: str | None = None
    n: int = 1
    spoiler: bool = False
    chosen: bool = False

    def normalize(self) -> "ImageRequest":
        """Return the request as it is sent, without stray white space.

        Raises:
            InvalidOption: an option holds something that no model could use.
        """
        prompt = self.prompt.strip()
        if not prompt:
            raise InvalidOption("empty prompt", message=texts.empty_prompt())
        if not 1 <= self.n <= MAX_IMAGES:
            raise InvalidOption("bad n", message=texts.wrong_count(MAX_IMAGES))
        return replace(self, prompt=prompt, size=_normalize_size(self.size, self.model))

    @property
    def takes_one_image(self) -> bool:
        """Return whether the model is known to generate only one image per request."""
        return _strip_provider(self.model).startswith(_SINGLE_IMAGE_PREFIXES)


def list_sizes(model: str) -> tuple[str, ...]:
    """Return the sizes to offer for `model`; none if they are not known."""
    name = _strip_provider(model)
    return next((sizes for prefix, sizes in _SIZES.items() if name.startswith(prefix)), ())


def _normalize_size(size: str | None, model: str) -> str | None:
    """Return a size as people type it (`1024 × 1024`) in the API's format."""
    if size is None or not size.strip():
        return None
    typed = size.strip()
    if pixels := _PIXELS.fullmatch(typed):
        return f"{pixels[1]}x{pixels[2]}"
    if _OTHER_SIZES.fullmatch(typed):
        return typed.lower() if typed.isalpha() else typed
    known = [f"`{offered}`" for offered in list_sizes(model)]
    raise InvalidOption("bad size", message=texts.wrong_size_for_model(known) if known else texts.wrong_size())


def _strip_provider(model: str) -> str:
    """Return the model's name without the provider that some servers put before it (`openai/dall-e-3`)."""
    return model.lower().rsplit("/", 1)[-1]
