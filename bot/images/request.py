"""What may be asked for: the sizes a model is known for, and requests that are worth sending."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from bot.errors import InvalidOption
from bot.messages.message import plain

MAX_IMAGES: Final = 4
MAX_PROMPT_LENGTH: Final = 4000
"""What a form's field takes (FACTS: modals), so that every prompt can be edited in one."""

# By the beginning of the model's name. From OpenAI's documentation of /images/generations.
_SIZES: Final[Mapping[str, tuple[str, ...]]] = {
    "dall-e-3": ("1024x1024", "1792x1024", "1024x1792"),
    "dall-e-2": ("256x256", "512x512", "1024x1024"),
    "gpt-image-1": ("1024x1024", "1536x1024", "1024x1536", "auto"),
}
# These refuse `n` above 1 (dall-e-3) or do not know it (CogView).
_ONE_AT_A_TIME: Final = ("dall-e-3", "cogview")
_PIXELS: Final = re.compile(r"(\d{2,5})\s*[x×*]\s*(\d{2,5})", re.IGNORECASE)
_OTHER_SIZES: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}|\d{1,2}:\d{1,2}|\d{1,2}[Kk]")  # auto, 16:9, 2K


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """What a member wants drawn; `size` None leaves it to the model. `chosen`: they asked for this model."""

    prompt: str
    model: str
    size: str | None = None
    n: int = 1
    spoiler: bool = False
    chosen: bool = False

    def normalize(self) -> "ImageRequest":
        """Return it as it is sent, without stray white space.

        Raises:
            InvalidOption: an option holds something that no model could use.
        """
        prompt = self.prompt.strip()
        if not prompt:
            raise InvalidOption("empty prompt", message=plain("Tell me what to draw in `prompt`."))
        if not 1 <= self.n <= MAX_IMAGES:
            raise InvalidOption("bad n", message=plain(f"I can draw 1 to {MAX_IMAGES} pictures at a time."))
        return replace(self, prompt=prompt, size=_checked_size(self.size, self.model))

    @property
    def takes_one_image(self) -> bool:
        """Whether the model is known to take only one picture a request."""
        return _bare(self.model).startswith(_ONE_AT_A_TIME)


def list_sizes(model: str) -> tuple[str, ...]:
    """Tell the sizes to offer for `model`; none where they are not known."""
    name = _bare(model)
    return next((sizes for beginning, sizes in _SIZES.items() if name.startswith(beginning)), ())


def _checked_size(size: str | None, model: str) -> str | None:
    """Bring a size as people type it (`1024 × 1024`) into the API's form."""
    if size is None or not size.strip():
        return None
    typed = size.strip()
    if pixels := _PIXELS.fullmatch(typed):
        return f"{pixels[1]}x{pixels[2]}"
    if _OTHER_SIZES.fullmatch(typed):
        return typed.lower() if typed.isalpha() else typed
    known = ", ".join(f"`{offered}`" for offered in list_sizes(model)) or "one like `1024x1024`"
    raise InvalidOption("bad size", message=plain(f"I can't read that size. Pick {known}, or leave `size` out."))


def _bare(model: str) -> str:
    """Give the model's name without the provider that some servers put before it (`openai/dall-e-3`)."""
    return model.lower().rsplit("/", 1)[-1]
