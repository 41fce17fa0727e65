"""The use case behind `/draw`: a prompt becomes one to four pictures, ready to be sent in one message.

`prepare` looks at everything that needs no network, and is quick; `draw` does the work. Spending has the ledger's
shape: inside the reservation's block, pictures that came are noted as spent, and leaving it gives the rest back.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bot.api.client import ApiClient
from bot.api.image_validation import GeneratedImage
from bot.clock import Clock
from bot.context import RequestContext
from bot.errors import ApiError, BadRequest, BotError, ContentRefused, InvalidApiResponse
from bot.images.compression import ImageTooLarge
from bot.images.request import ImageRequest
from bot.messages.render import render
from bot.quotas.ledger import Ledger
from bot.quotas.limits import Kind
from bot.quotas.reservation import Reservation
from bot.telemetry.request_log import RequestLog
from bot.workers.pool import Failure, JobFailed, Workers

logger = logging.getLogger(__name__)

ALT_TEXT_LIMIT: Final = 1024  # Discord's, for an attachment's description
REQUEST_LIMIT: Final = 25 * 1024 * 1024  # Discord, message create: all files and fields of a request together
_AROUND_FILES: Final = 64 * 1024  # boundaries, headers and the JSON with its alt texts, generously
_WITHIN_S: Final = 30.0  # a large picture is encoded several times
_BY_TYPE: Final = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}


@dataclass(frozen=True, slots=True)
class PreparedGeneration:
    """What is going to be drawn, and what is held back for it.

    Enter `reservation` around all that follows, the acknowledgement too, so that a failure there gives it back.
    """

    requester: RequestContext
    request: ImageRequest
    asked_at_ms: int
    reservation: Reservation


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A picture as a file to send; `description` is its alt text."""

    data: bytes
    filename: str
    description: str
    spoiler: bool


@dataclass(frozen=True, slots=True)
class GenerationResult:
    """At least one file. `note` is a plain text about pictures that are missing, else None."""

    files: tuple[ImageFile, ...]
    note: str | None


@dataclass(frozen=True, slots=True)
class CompressedImage:
    """A picture as it is sent; `extension` is without the dot."""

    data: bytes
    extension: str


@dataclass(slots=True)
class _Order:
    """One request to the API: how many pictures it is for, those that came, and why none did."""

    n: int
    pictures: list[GeneratedImage] = field(default_factory=list)
    fault: ApiError | None = None


class ImageGenerator:
    """Draws pictures."""

    def __init__(self, api: ApiClient, ledger: Ledger, workers: Workers, clock: Clock) -> None:
        self._api = api
        self._ledger = ledger
        self._clock = clock
        self._workers = workers
        self._single_image_models: set[str] = set()  # models that have turned down more than one, and then did one

    async def prepare(self, requester: RequestContext, request: ImageRequest) -> PreparedGeneration:
        """Check the request and reserve its pictures. Asks the store only.

        Raises:
            InvalidOption: an option holds something that no model could use.
            QuotaExceeded: a limit on images would be passed.
            StoreUnavailable: the store cannot be used just now.
        """
        request, asked_at_ms = request.normalize(), requester.asked_ms(self._clock)
        reservation = await self._ledger.reserve(requester, {Kind.IMAGES: request.n})
        return PreparedGeneration(requester, request, asked_at_ms, reservation)

    async def generate(self, prepared: PreparedGeneration, upload_limit: int) -> GenerationResult:
        """Have it drawn, each file at most `upload_limit` bytes. Ends the reservation, whatever happens.

        When some pictures fail, the others are still given, with a note.

        Raises:
            ApiError: no picture was drawn.
            PictureTooBig: none can be made to fit into `upload_limit`.
        """
        request = prepared.request
        with RequestLog("draw", prepared.requester, self._clock) as request_log:
            request_log.record(model=request.model, asked=request.n)
            drawn = await self._generate(prepared, upload_limit)
            request_log.record(shown=len(drawn.files), bytes=sum(len(file.data) for file in drawn.files))
            if drawn.note is not None:
                request_log.set_outcome("partly")
            return drawn

    async def _generate(self, prepared: PreparedGeneration, upload_limit: int) -> GenerationResult:
        request = prepared.request
        orders: list[_Order] = []
        async with prepared.reservation as reservation:
            try:
                await self._place(orders, request)
            finally:
                reservation.spent({Kind.IMAGES: sum(len(order.pictures) for order in orders)})
        pictures = [picture for order in orders for picture in order.pictures]
        faults: list[BotError] = [order.fault for order in orders if order.fault is not None]
        if pictures:
            fitted = await compress_images(self._workers, [(it.data, it.media_type) for it in pictures], upload_limit)
            faults += [it for it in fitted if isinstance(it, BotError)]
            files = _files([it for it in fitted if isinstance(it, CompressedImage)], request)
            if files:
                for fault in faults:
                    logger.warning("picture missing asked=%d shown=%d fault=%s", request.n, len(files), fault)
                return GenerationResult(files, _note(request.n - len(files), request.n, faults))
        raise _most_telling(faults)

    async def _place(self, orders: list[_Order], request: ImageRequest) -> None:
        """Fill `orders`: one for all pictures, or one for each where the model takes no more.

        The API's document does not promise that a model makes several at once, and refusals of that differ in their
        words. So any request for several that is turned down is tried again as single ones.
        """
        together = request.n == 1 or not (request.takes_one_image or request.model in self._single_image_models)
        if together:
            orders.append(_Order(request.n))
            await self._fill(orders[0], request)
            if request.n == 1 or not isinstance(orders[0].fault, BadRequest):
                return
        orders[:] = [_Order(1) for _ in range(request.n)]
        async with asyncio.TaskGroup() as group:
            for order in orders:
                group.create_task(self._fill(order, request))
        if together and any(order.pictures for order in orders):
            self._single_image_models.add(request.model)

    async def _fill(self, order: _Order, request: ImageRequest) -> None:
        """Place one order with the API."""
        try:
            order.pictures = await self._api.images(request.model, request.prompt, size=request.size, n=order.n)
        except ApiError as error:
            order.fault = error


def _files(pictures: Sequence[CompressedImage], request: ImageRequest) -> tuple[ImageFile, ...]:
    alt_text = request.prompt
    if len(alt_text) > ALT_TEXT_LIMIT:
        alt_text = alt_text[: ALT_TEXT_LIMIT - 1] + "…"
    return tuple(
        ImageFile(picture.data, f"image-{number}.{picture.extension}", alt_text, request.spoiler)
        for number, picture in enumerate(pictures, start=1)
    )


def _note(missing: int, n: int, faults: Sequence[BotError]) -> str | None:
    """Say how many pictures are missing, and why if that is known."""
    if missing <= 0:
        return None
    reason = render(_most_telling(faults).message) if faults else "The AI service didn't make more."
    return f"{missing} of the {n} pictures {'is' if missing == 1 else 'are'} missing. {reason}"


def _most_telling(faults: Sequence[BotError]) -> BotError:
    """Pick the fault that the member can do something about, else the first."""
    refused = (fault for fault in faults if isinstance(fault, ContentRefused))
    return next(refused, faults[0] if faults else InvalidApiResponse("images: none came"))


async def compress_images(
    workers: Workers, pictures: Sequence[tuple[bytes, str]], upload_limit: int, request_limit: int = REQUEST_LIMIT
) -> list[CompressedImage | BotError]:
    """Make each of `pictures` (data and media type) fit; what stands in a picture's place tells why it could not.

    `upload_limit` is for one file and `request_limit` for all of them, in bytes. The faults are `ImageTooLarge` and
    `InvalidApiResponse`.
    """
    allowed = _shares([len(data) for data, _ in pictures], upload_limit, request_limit)
    return [await _fitted(workers, data, kind, limit) for (data, kind), limit in zip(pictures, allowed, strict=True)]


def _shares(sizes: Sequence[int], upload_limit: int, request_limit: int) -> list[int]:
    """Tell how many bytes each file may have: small ones what they need, the others an even part of the rest."""
    left = request_limit - _AROUND_FILES
    shares = [0] * len(sizes)
    by_size = sorted(range(len(sizes)), key=sizes.__getitem__)
    for position, index in enumerate(by_size):
        even = left // (len(sizes) - position)
        shares[index] = min(even, upload_limit)
        left -= min(sizes[index], shares[index])
    return shares


async def _fitted(workers: Workers, data: bytes, media_type: str, limit: int) -> CompressedImage | BotError:
    if len(data) <= limit:
        return CompressedImage(data, _BY_TYPE.get(media_type, "png"))
    try:
        result = await workers.run_image_job("compress image", data, timeout_s=_WITHIN_S, limit=limit)
    except JobFailed as error:
        return ImageTooLarge(str(error)) if error.failure is Failure.TOO_BIG else InvalidApiResponse(str(error))
    return CompressedImage(result.parts[0], "webp")
