"""The use case behind `/draw`: a prompt becomes one to four images, ready to be sent in one message."""

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from bot.api.image_validation import GeneratedImage
from bot.api.images import ImagesApi
from bot.clock import Clock, unix_ms
from bot.context import RequestContext
from bot.errors import (
    ApiError,
    BadRequest,
    BotError,
    ContentRefused,
    InvalidApiResponse,
    InvalidOption,
    StoreUnavailable,
    TurnNotFound,
)
from bot.images.compression import ImageTooLarge
from bot.messages import images as texts
from bot.messages.message import Message
from bot.quotas.ledger import Ledger, Reservation
from bot.request_runner import Amounts, Keeps, Outcome, RequestEnd, RequestLog, Shows, UseCase
from bot.store.image_generations import ImageGeneration, ImageGenerations
from bot.store.quota_limits import Kind
from bot.workers.pool import Failure, JobFailed, Workers

logger = logging.getLogger(__name__)

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
ALT_TEXT_LIMIT: Final = 1024  # Discord's, for an attachment's description
REQUEST_LIMIT: Final = 25 * 1024 * 1024  # Discord, message create: all files and fields of a request together
_REQUEST_OVERHEAD_BYTES: Final = 64 * 1024  # boundaries, headers and the JSON with its alt texts, with a margin
_COMPRESSION_TIMEOUT_S: Final = 30.0  # a large image is encoded several times
_EXTENSIONS: Final = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}


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


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image as a file to send; `description` is its alt text."""

    data: bytes
    filename: str
    description: str
    spoiler: bool


@dataclass(frozen=True, slots=True)
class GenerationResult:
    """At least one file. `notice` is about missing images, else None."""

    files: tuple[ImageFile, ...]
    notice: Message | None


@dataclass(frozen=True, slots=True)
class CompressedImage:
    """An image as it is sent; `extension` is without the dot."""

    data: bytes
    extension: str


@dataclass(slots=True)
class _ApiRequest:
    """One request to the API: how many images it is for, those that were generated, or its error."""

    n: int
    images: list[GeneratedImage] = field(default_factory=list)
    error: ApiError | None = None


class ImageOutput(Protocol):
    """Where generated images show. The wall between images and Discord."""

    @property
    def upload_limit(self) -> int:
        """The most bytes that a file may have."""
        ...

    @property
    def message_id(self) -> int | None:
        """The message that will show them, where it is known."""
        ...

    async def show(self, result: GenerationResult, generation_id: int | None) -> None:
        """Show them, with buttons where the generation is stored."""
        ...


class ImageGenerator:
    """What images are generated with, and the generations that are stored."""

    def __init__(
        self, images: ImagesApi, ledger: Ledger, workers: Workers, clock: Clock, generations: ImageGenerations
    ) -> None:
        self.images = images
        self.ledger = ledger
        self.workers = workers
        self.clock = clock
        self.generations = generations
        self.single_image_models: set[str] = set()
        """Models that refused several images at once, and then generated one."""

    def draw(
        self, requester: RequestContext, request: ImageRequest, output: ImageOutput, *, author_id: int
    ) -> "DrawUseCase":
        """Return the request for images in `output`; `author_id` is the member who wrote the prompt."""
        return DrawUseCase(self, requester, request, output, author_id)

    async def get(self, requester: RequestContext, generation_id: int) -> ImageGeneration:
        """Return a generation that the requester may use again.

        Raises:
            TurnNotFound: it was deleted.
            NotOwner: the requester neither asked for it nor may manage messages here.
            StoreUnavailable: the database cannot be used.
        """
        generation = await self.generations.get(generation_id)
        if generation is None or generation.channel_id != requester.channel_id:
            raise TurnNotFound(f"image generation {generation_id}")
        requester.require_own(generation.author_id)
        return generation

    async def delete(self, generation_id: int) -> None:
        """Delete a generation.

        Raises:
            StoreUnavailable: the database cannot be used.
        """
        await self.generations.remove(generation_id)
        logger.info("image generation deleted by its button", extra={"generation": generation_id})


class DrawUseCase(UseCase):
    """Generates the images of one request."""

    command = "draw"

    def __init__(
        self,
        tools: ImageGenerator,
        requester: RequestContext,
        request: ImageRequest,
        output: ImageOutput,
        author_id: int,
    ) -> None:
        super().__init__(requester)
        self._tools = tools
        self._request = request
        self._output = output
        self._author_id = author_id
        self._api_requests: list[_ApiRequest] = []
        self._result = GenerationResult((), None)

    async def prepare(self) -> Reservation:
        """Check the request and reserve its images.

        Raises:
            InvalidOption: an option holds something that no model could use.
            QuotaExceeded: a limit on images would be passed.
            StoreUnavailable: the database cannot be used.
        """
        self._request = self._request.normalize()
        return await self._tools.ledger.reserve(self.requester, {Kind.IMAGES: self._request.n})

    async def work(self, request_log: RequestLog) -> Outcome:
        """Generate the images and make them small enough. If some fail, there are the others and a notice.

        Raises:
            ApiError: no image was generated.
            ImageTooLarge: none is small enough.
        """
        request_log.record(model=self._request.model, requested=self._request.n)
        await self._request_all()
        files, errors = await self._build_files()
        if not files:
            raise _choose_error(errors)
        self._result = GenerationResult(files, _build_notice(self._request.n - len(files), self._request.n, errors))
        request_log.record(sent=len(files), bytes=sum(len(file.data) for file in files))
        return Outcome.COMPLETE if self._result.notice is None else Outcome.PARTLY

    @property
    def received(self) -> Amounts:
        """The images that were generated, also those that cannot be sent."""
        return {Kind.IMAGES: len(self._images)} if self._images else {}

    async def conclude(self, end: RequestEnd) -> None:
        """Store the generation, then show the images."""
        if end.shows is not Shows.SENTENCE:
            generation_id = None if end.keeps is Keeps.NOTHING else await self._save()
            await self._output.show(self._result, generation_id)

    @property
    def _images(self) -> list[GeneratedImage]:
        return [image for api_request in self._api_requests for image in api_request.images]

    async def _build_files(self) -> tuple[tuple[ImageFile, ...], list[BotError]]:
        """Return the files to send, and the errors of those that are missing."""
        errors: list[BotError] = [each.error for each in self._api_requests if each.error is not None]
        images = [(image.data, image.media_type) for image in self._images]
        compressed = await compress_images(self._tools.workers, images, self._output.upload_limit)
        errors += [each for each in compressed if isinstance(each, BotError)]
        files = _build_files([each for each in compressed if isinstance(each, CompressedImage)], self._request)
        for error in errors if files else ():
            extra = {"requested": self._request.n, "sent": len(files), "detail": str(error)}
            logger.warning("image missing", extra=extra)
        return files, errors

    async def _request_all(self) -> None:
        """Request all images at once, or each by itself if the model takes no more.

        The API's documentation does not promise that a model generates several at once, and its refusals differ. So
        any request for several that is refused is tried again as single ones.
        """
        request, single_image_models = self._request, self._tools.single_image_models
        all_at_once = request.n == 1 or not (request.takes_one_image or request.model in single_image_models)
        if all_at_once:
            self._api_requests = [_ApiRequest(request.n)]
            await self._request_one(self._api_requests[0])
            if request.n == 1 or not isinstance(self._api_requests[0].error, BadRequest):
                return
        self._api_requests = [_ApiRequest(1) for _ in range(request.n)]
        async with asyncio.TaskGroup() as group:
            for api_request in self._api_requests:
                group.create_task(self._request_one(api_request))
        if all_at_once and self._images:
            single_image_models.add(request.model)

    async def _request_one(self, api_request: _ApiRequest) -> None:
        """Send one request to the API; its error is kept."""
        request = self._request
        try:
            api_request.images = await self._tools.images.generate(
                request.model, request.prompt, size=request.size, n=api_request.n
            )
        except ApiError as error:
            api_request.error = error

    async def _save(self) -> int | None:
        """Store the generation and return its id; None if it could not be: the images are shown in any case."""
        requester, request = self.requester, self._request
        generation = ImageGeneration(
            channel_id=requester.channel_id,
            parent_channel_id=requester.parent_channel_id,
            guild_id=requester.guild_id,
            author_id=self._author_id,
            prompt=request.prompt,
            size=request.size,
            n=request.n,
            model=request.model if request.chosen else None,
            spoiler=request.spoiler,
            message_id=self._output.message_id,
            created_at_ms=unix_ms(self._tools.clock.discord_now()),
        )
        try:
            return await self._tools.generations.add(generation, asked_at_ms=requester.asked_at_ms)
        except StoreUnavailable as error:
            logger.error("image generation not saved", extra={"detail": str(error)})
            return None


def _build_files(images: Sequence[CompressedImage], request: ImageRequest) -> tuple[ImageFile, ...]:
    alt_text = request.prompt
    if len(alt_text) > ALT_TEXT_LIMIT:
        alt_text = alt_text[: ALT_TEXT_LIMIT - 1] + "…"
    return tuple(
        ImageFile(image.data, f"image-{number}.{image.extension}", alt_text, request.spoiler)
        for number, image in enumerate(images, start=1)
    )


def _build_notice(missing: int, n: int, errors: Sequence[BotError]) -> Message | None:
    """Return how many images are missing, and why if that is known."""
    if missing <= 0:
        return None
    return texts.some_missing(missing, n, _choose_error(errors).message if errors else texts.too_few_generated())


def _choose_error(errors: Sequence[BotError]) -> BotError:
    """Return the error that the member can do something about, else the first."""
    refused = (error for error in errors if isinstance(error, ContentRefused))
    return next(refused, errors[0] if errors else InvalidApiResponse("images: none came"))


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


async def compress_images(
    workers: Workers, images: Sequence[tuple[bytes, str]], upload_limit: int, request_limit: int = REQUEST_LIMIT
) -> list[CompressedImage | BotError]:
    """Return each of `images` (data and media type) compressed to fit, or the error in its place.

    `upload_limit` is for one file and `request_limit` for all of them, in bytes. The errors are `ImageTooLarge` and
    `InvalidApiResponse`.
    """
    limits = _allot_bytes([len(data) for data, _ in images], upload_limit, request_limit)
    sized = zip(images, limits, strict=True)
    return [await _compress_image(workers, data, media_type, limit) for (data, media_type), limit in sized]


def _allot_bytes(sizes: Sequence[int], upload_limit: int, request_limit: int) -> list[int]:
    """Return how many bytes each file may have: small ones what they need, the others an even share of the rest."""
    left = request_limit - _REQUEST_OVERHEAD_BYTES
    shares = [0] * len(sizes)
    by_size = sorted(range(len(sizes)), key=sizes.__getitem__)
    for position, index in enumerate(by_size):
        even = left // (len(sizes) - position)
        shares[index] = min(even, upload_limit)
        left -= min(sizes[index], shares[index])
    return shares


async def _compress_image(workers: Workers, data: bytes, media_type: str, limit: int) -> CompressedImage | BotError:
    if len(data) <= limit:
        return CompressedImage(data, _EXTENSIONS.get(media_type, "png"))
    try:
        result = await workers.run_image_job("compress image", data, timeout_s=_COMPRESSION_TIMEOUT_S, limit=limit)
    except JobFailed as error:
        return ImageTooLarge(str(error)) if error.failure is Failure.TOO_BIG else InvalidApiResponse(str(error))
    return CompressedImage(result.parts[0], "webp")
