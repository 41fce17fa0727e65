"""Image generations: validation of requests, and their responses."""

import asyncio
import base64
import itertools
import time
from dataclasses import dataclass

from aiohttp import web

from sandbox.json_object import Json
from sandbox.openai import sample_images
from sandbox.openai.calls import ApiCall
from sandbox.openai.delivery import ApiError, Delivery
from sandbox.openai.faults import BadImages

KEPT_IMAGES = 64
"""How many images are kept for download by URL."""


@dataclass(frozen=True, slots=True)
class ImageModel:
    """The limits of an image model."""

    sizes: tuple[str, ...]
    max_n: int
    max_prompt: int


IMAGE_MODELS = {
    "dall-e-2": ImageModel(("1024x1024", "512x512", "256x256"), 10, 1000),
    "dall-e-3": ImageModel(("1024x1024", "1792x1024", "1024x1792"), 1, 4000),
    "gpt-image-1": ImageModel(("1024x1024", "1536x1024", "1024x1536", "auto"), 10, 32_000),
}
_PARAMETERS = frozenset({
    "model", "prompt", "n", "size", "response_format", "quality", "style", "user", "background", "moderation",
    "output_format", "output_compression",
})  # fmt: skip


def validate(body: Json) -> None:
    """Raise `ApiError` for an image request that OpenAI would reject."""
    unknown = sorted(body.keys() - _PARAMETERS)
    if unknown:
        raise ApiError(400, f"Unknown parameter: '{unknown[0]}'.", code="unknown_parameter")
    offer = IMAGE_MODELS.get(body["model"], IMAGE_MODELS["gpt-image-1"])
    prompt, n, size = body.get("prompt"), body.get("n", 1), body.get("size", "1024x1024")
    if not isinstance(prompt, str) or not prompt.strip():
        raise ApiError(400, "Missing required parameter: 'prompt'.", code="missing_required_parameter")
    if len(prompt) > offer.max_prompt:
        raise ApiError(
            400, f"Invalid 'prompt': string too long. Expected at most {offer.max_prompt}.", code="string_too_long"
        )
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise ApiError(400, "Invalid 'n': expected a whole number of at least 1.", code="invalid_value")
    if n > offer.max_n:
        message = f"Invalid 'n': integer above maximum value. Expected a value <= {offer.max_n}, but got {n} instead."
        raise ApiError(400, message, code="integer_above_max_value")
    if size not in offer.sizes:
        known = ", ".join(f"'{name}'" for name in offer.sizes)
        raise ApiError(400, f"Invalid value: '{size}'. Supported values are: {known}.", code="invalid_value")
    if body.get("response_format", "b64_json") not in ("b64_json", "url"):
        raise ApiError(400, "Invalid 'response_format': expected 'b64_json' or 'url'.", code="invalid_value")


class ImageGenerator:
    """Generates images and keeps the latest for download by URL."""

    def __init__(self, seed: int) -> None:
        self.by_url = False  # respond with `url` if the request has no `response_format`
        self._seed = seed
        self._numbers = itertools.count(1)
        self._kept: dict[str, bytes] = {}

    async def answer(self, call: ApiCall, root: str, delivery: Delivery) -> web.StreamResponse:
        """Generate and send the requested images; `root` is the base of their URLs."""
        bad = delivery.fault(BadImages)
        count = call.body.get("n", 1)
        data = [_bad(bad)] * count if bad is not None else [await self._entry(call.body, root) for _ in range(count)]
        if bad is not None and bad.how == "none":
            data = []
        usage = {
            "total_tokens": 50 + 1000 * count,
            "input_tokens": 50,
            "output_tokens": 1000 * count,
            "input_tokens_details": {"text_tokens": 50, "image_tokens": 0},
        }
        return await delivery.json({"created": int(time.time()), "data": data, "usage": usage})

    def get_image(self, name: str) -> bytes | None:
        """Return a kept image by the last part of its URL."""
        return self._kept.get(name)

    async def _entry(self, body: Json, root: str) -> Json:
        number = next(self._numbers)
        size = body.get("size", "1024x1024")
        width, height = (1024, 1024) if size == "auto" else map(int, size.split("x"))
        data = await asyncio.to_thread(sample_images.render, body["prompt"], width, height, seed=self._seed + number)
        if body.get("response_format", "url" if self.by_url else "b64_json") == "b64_json":
            return {"b64_json": base64.b64encode(data).decode()}
        name = f"{number}.png"
        self._kept[name] = data
        while len(self._kept) > KEPT_IMAGES:
            self._kept.pop(next(iter(self._kept)))
        return {"url": f"{root}/images/{name}"}


def _bad(fault: BadImages) -> Json:
    match fault.how:
        case "huge":
            return {"b64_json": base64.b64encode(sample_images.build_oversized_png()).decode()}
        case "no base64":
            return {"b64_json": "this is *not* base64!"}
        case "url":
            return {"url": fault.url}
        case "null":
            return {"b64_json": None, "url": None}
        case _:
            return {"b64_json": base64.b64encode(b"I am a text that would like to be a picture.").decode()}
