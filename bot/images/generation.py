"""Image generation for `/draw`: a prompt becomes one to four images, ready to be sent in one message.

`prepare` checks what needs no network, and is quick; `generate` does the work. Inside the reservation's block the
images that were generated are recorded as spent; leaving it releases the rest.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

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
    StoreUnavailable,
    TurnNotFound,
)
from bot.images.compression import ImageTooLarge
from bot.images.image_request import ImageRequest
from bot.messages import images as texts
from bot.messages.message import Message
from bot.quotas.ledger import Ledger
from bot.quotas.reservation import Reservation
from bot.request_log import RequestLog
from bot.store.image_generations import ImageGeneration, ImageGenerations
from bot.store.quota_limits import Kind
from bot.workers.pool import Failure, JobFailed, Workers

logger = logging.getLogger(__name__)

ALT_TEXT_LIMIT: Final = 1024  # Discord's, for an attachment's description
REQUEST_LIMIT: Final = 25 * 1024 * 1024  # Discord, message create: all files and fields of a request together
_REQUEST_OVERHEAD_BYTES: Final = 64 * 1024  # boundaries, headers and the JSON with its alt texts, with a margin
_COMPRESSION_TIMEOUT_S: Final = 30.0  # a large image is encoded several times
_EXTENSIONS: Final = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}


@dataclass(frozen=True, slots=True)
class PreparedGeneration:
    """A checked request and its reservation.

    Enter `reservation` around all that follows, the acknowledgement too, so that a failure there releases it.
    """

    requester: RequestContext
    request: ImageRequest
    reservation: Reservation


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


class ImageGenerator:
    """Generates images."""

    def __init__(self, images: ImagesApi, ledger: Ledger, workers: Workers, clock: Clock) -> None:
        self._images = images
        self._ledger = ledger
        self._clock = clock
        self._workers = workers
        self._single_image_models: set[str] = set()  # models that refused several at once, and then generated one

    async def prepare(self, requester: RequestContext, request: ImageRequest) -> PreparedGeneration:
        """Check the request and reserve its images. Needs only the database.

        Raises:
            InvalidOption: an option holds something that no model could use.
            QuotaExceeded: a limit on images would be passed.
            StoreUnavailable: the database cannot be used.
        """
        request = request.normalize()
        reservation = await self._ledger.reserve(requester, {Kind.IMAGES: request.n})
        return PreparedGeneration(requester, request, reservation)

    async def generate(self, prepared: PreparedGeneration, upload_limit: int) -> GenerationResult:
        """Return the generated images, each file at most `upload_limit` bytes; the reservation is settled in any case.

        If some images fail, the others are returned, with a notice.

        Raises:
            ApiError: no image was generated.
            ImageTooLarge: none fits into `upload_limit`.
        """
        request = prepared.request
        with RequestLog("draw", prepared.requester, self._clock) as request_log:
            request_log.record(model=request.model, requested=request.n)
            result = await self._generate(prepared, upload_limit)
            request_log.record(sent=len(result.files), bytes=sum(len(file.data) for file in result.files))
            if result.notice is not None:
                request_log.set_outcome("partly")
            return result

    async def _generate(self, prepared: PreparedGeneration, upload_limit: int) -> GenerationResult:
        request = prepared.request
        api_requests: list[_ApiRequest] = []
        async with prepared.reservation as reservation:
            try:
                await self._request_all(api_requests, request)
            finally:
                reservation.set_spent({Kind.IMAGES: sum(len(api_request.images) for api_request in api_requests)})
        images = [image for api_request in api_requests for image in api_request.images]
        errors: list[BotError] = [api_request.error for api_request in api_requests if api_request.error is not None]
        if images:
            compressed = await compress_images(self._workers, [(it.data, it.media_type) for it in images], upload_limit)
            errors += [it for it in compressed if isinstance(it, BotError)]
            files = _build_files([it for it in compressed if isinstance(it, CompressedImage)], request)
            if files:
                for error in errors:
                    extra = {"requested": request.n, "sent": len(files), "detail": str(error)}
                    logger.warning("image missing", extra=extra)
                return GenerationResult(files, _build_notice(request.n - len(files), request.n, errors))
        raise _choose_error(errors)

    async def _request_all(self, api_requests: list[_ApiRequest], request: ImageRequest) -> None:
        """Fill `api_requests`: one for all images, or one for each if the model takes no more.

        The API's documentation does not promise that a model generates several at once, and its refusals differ. So
        any request for several that is refused is tried again as single ones.
        """
        all_at_once = request.n == 1 or not (request.takes_one_image or request.model in self._single_image_models)
        if all_at_once:
            api_requests.append(_ApiRequest(request.n))
            await self._request_one(api_requests[0], request)
            if request.n == 1 or not isinstance(api_requests[0].error, BadRequest):
                return
        api_requests[:] = [_ApiRequest(1) for _ in range(request.n)]
        async with asyncio.TaskGroup() as group:
            for api_request in api_requests:
                group.create_task(self._request_one(api_request, request))
        if all_at_once and any(api_request.images for api_request in api_requests):
            self._single_image_models.add(request.model)

    async def _request_one(self, api_request: _ApiRequest, request: ImageRequest) -> None:
        """Send one request to the API; its error is kept."""
        try:
            images = await self._images.generate(request.model, request.prompt, size=request.size, n=api_request.n)
            api_request.images = images
        except ApiError as error:
            api_request.error = error


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


class SavedGenerations:
    """Saves image generations, and checks who may use them again."""

    def __init__(self, generations: ImageGenerations, clock: Clock) -> None:
        self._generations = generations
        self._clock = clock

    async def save(self, prepared: PreparedGeneration, *, author_id: int, message_id: int | None) -> int | None:
        """Save a generation and return its id; None if it could not be saved, as the images are shown in any case.

        `author_id` is the member who wrote the prompt; `message_id` is the message with the images.
        """
        requester, request = prepared.requester, prepared.request
        generation = ImageGeneration(
            channel_id=requester.channel_id,
            parent_channel_id=requester.settings_channel_id
            if requester.settings_channel_id != requester.channel_id
            else None,
            guild_id=requester.guild_id,
            author_id=author_id,
            prompt=request.prompt,
            size=request.size,
            n=request.n,
            model=request.model if request.chosen else None,
            spoiler=request.spoiler,
            message_id=message_id,
            created_at_ms=unix_ms(self._clock.discord_now()),
        )
        try:
            return await self._generations.add(generation, asked_at_ms=prepared.requester.asked_at_ms)
        except StoreUnavailable as error:
            logger.error("image generation not saved", extra={"detail": str(error)})
            return None

    async def get(self, requester: RequestContext, generation_id: int) -> ImageGeneration:
        """Return a generation that the requester may use again.

        Raises:
            TurnNotFound: it was deleted.
            NotOwner: the requester neither asked for it nor may manage messages here.
            StoreUnavailable: the database cannot be used.
        """
        generation = await self._generations.get(generation_id)
        if generation is None or generation.channel_id != requester.channel_id:
            raise TurnNotFound(f"image generation {generation_id}")
        requester.require_own(generation.author_id)
        return generation

    async def delete(self, generation_id: int) -> None:
        """Delete a generation.

        Raises:
            StoreUnavailable: the database cannot be used.
        """
        await self._generations.remove(generation_id)
        logger.info("image generation deleted by its button", extra={"generation": generation_id})
