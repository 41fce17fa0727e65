"""Image generation: a prompt in, validated images out."""

import logging
from collections.abc import Sequence

from bot.api.call import ApiCall
from bot.api.error_mapping import MAX_ERROR_BYTES, error_from_payload, is_refusal
from bot.api.image_decoding import SourceKind
from bot.api.image_download import ImageDownloader
from bot.api.image_validation import GeneratedImage
from bot.api.payloads import ImagesRequest, decode_any, encode
from bot.api.transport import Transport
from bot.errors import ApiError, ContentRefused, InvalidApiResponse
from bot.workers.pool import JobFailed, Workers

logger = logging.getLogger(__name__)

_CALL = "images"
_PATH = "/images/generations"


class ImagesApi:
    """Generated images, from the response itself or from the addresses it names."""

    def __init__(self, transport: Transport, workers: Workers) -> None:
        self._transport = transport
        self._downloader = ImageDownloader(transport)
        self._workers = workers

    async def generate(self, model: str, prompt: str, *, size: str | None, n: int) -> list[GeneratedImage]:
        """Return the usable ones of up to `n` images; `size` None leaves the choice to the model.

        Raises:
            ContentRefused: there is none, and the response says in words that it was refused.
            InvalidApiResponse: none of them is an image.
        """
        request_body = encode(ImagesRequest(model, prompt, n, size))
        limits = self._transport.limits
        with self._transport.start_call(_CALL) as call:

            async def request() -> bytes:
                async with self._transport.open(
                    call,
                    _PATH,
                    request_body,
                    first_byte_s=limits.unstreamed_first_byte_s,
                    max_bytes=limits.images_bytes,
                ) as response:
                    return await response.read_whole()

            body = await call.retry(request)
            try:
                return await self._read_images(body, n, call)
            except InvalidApiResponse:
                if len(body) <= MAX_ERROR_BYTES and is_refusal(decode_any(body)):
                    raise ContentRefused("images: refused in words") from None
                raise

    async def _read_images(self, body: bytes, n: int, call: ApiCall) -> list[GeneratedImage]:
        outcomes = [await self._load_image(sources, call) for sources in await self._find_sources(body, n)]
        images = [outcome for outcome in outcomes if isinstance(outcome, GeneratedImage)]
        if not images:
            reasons = "; ".join(str(outcome) for outcome in outcomes) or "images: an empty list"
            raise InvalidApiResponse(reasons)
        for outcome in outcomes:
            if isinstance(outcome, ApiError):
                logger.warning("generated image unusable", extra={"detail": str(outcome)})
        return images

    async def _find_sources(self, body: bytes, n: int) -> list[list[tuple[SourceKind, bytes]]]:
        """Return what each of the first `n` entries of the response holds.

        Raises:
            ApiError: the response is an error, or not what was expected.
        """
        max_bytes = self._transport.limits.image_bytes
        try:
            result = await self._workers.run("find images", [body], max_entries=n, max_bytes=max_bytes)
        except JobFailed as error:
            raise InvalidApiResponse(f"images: {error}") from error
        entries: dict[int, list[tuple[SourceKind, bytes]]] = {}
        for (number, source), data in zip(result.facts["found"], result.parts, strict=True):
            if source == SourceKind.ERROR:
                raise error_from_payload(_CALL, {"error": decode_any(data)})
            entries.setdefault(number, []).append((SourceKind(source), data))
        return list(entries.values())

    async def _load_image(
        self, sources: Sequence[tuple[SourceKind, bytes]], call: ApiCall
    ) -> GeneratedImage | ApiError:
        """Return the image, or why there is none: one bad image must not fail the others.

        Where an entry holds both the image and an address, either will do.
        """
        failure: ApiError | None = None
        for source, data in sources:
            try:
                match source:
                    case SourceKind.DATA:
                        return await self._validate(data)
                    case SourceKind.URL:
                        return await self._validate(await self._downloader.download(data.decode(), call))
                    case _:
                        failure = InvalidApiResponse(data.decode())
            except ApiError as error:
                failure = error
        return failure or InvalidApiResponse("images: an entry without an image")

    async def _validate(self, data: bytes) -> GeneratedImage:
        """Return the image that `data` holds, checked to be whole.

        Raises:
            InvalidApiResponse: it is not.
        """
        try:
            result = await self._workers.run_image_job(
                "validate image", data, max_pixels=self._transport.limits.image_pixels
            )
        except JobFailed as error:
            raise InvalidApiResponse(f"images: {error}") from error
        facts = result.facts
        return GeneratedImage(data, str(facts["media_type"]), int(facts["width"]), int(facts["height"]))
