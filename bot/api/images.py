"""Having a model draw: a prompt in, checked pictures out."""

import logging
from collections.abc import Sequence

from bot.api.error_mapping import MAX_ERROR_BYTES, error_from_payload, is_refusal
from bot.api.image_decoding import SourceKind
from bot.api.image_download import ImageDownloader
from bot.api.image_validation import GeneratedImage
from bot.api.payloads import ImagesRequest, decode_any, encode
from bot.api.retries import Retries
from bot.api.timeouts import CallTimeouts
from bot.api.transport import Transport
from bot.errors import ApiError, ContentRefused, InvalidApiResponse
from bot.workers.pool import JobFailed, Workers

_log = logging.getLogger(__name__)

_CALL = "images"
_PATH = "/images/generations"


class Images:
    """Pictures, from the answer itself or from the addresses it names."""

    def __init__(self, transport: Transport, retries: Retries, workers: Workers) -> None:
        self._transport = transport
        self._retries = retries
        self._fetcher = ImageDownloader(transport)
        self._workers = workers

    async def make(self, model: str, prompt: str, *, size: str | None, n: int) -> list[GeneratedImage]:
        """Give the usable ones among up to `n` pictures.

        Raises:
            ContentRefused: there is none, and the answer says in words that it was refused.
            InvalidApiResponse: none of them is a picture.
        """
        body = encode(ImagesRequest(model, prompt, n, size))
        limits = self._transport.limits
        with self._transport.start_timeouts(_CALL) as timeouts:

            async def ask() -> bytes:
                async with self._transport.open(
                    timeouts,
                    _CALL,
                    _PATH,
                    body,
                    first_byte_s=limits.unstreamed_first_byte_s,
                    max_bytes=limits.images_bytes,
                ) as reply:
                    return await reply.read_whole()

            answer = await self._retries.retry_call(_CALL, ask)
            try:
                return await self._pictures(answer, n, timeouts)
            except InvalidApiResponse:
                if len(answer) <= MAX_ERROR_BYTES and is_refusal(decode_any(answer)):
                    raise ContentRefused("images: refused in words") from None
                raise

    async def _pictures(self, answer: bytes, n: int, timeouts: CallTimeouts) -> list[GeneratedImage]:
        outcomes = [await self._picture(sources, timeouts) for sources in await self._sources(answer, n)]
        pictures = [outcome for outcome in outcomes if isinstance(outcome, GeneratedImage)]
        if not pictures:
            reasons = "; ".join(str(outcome) for outcome in outcomes) or "images: an empty list"
            raise InvalidApiResponse(reasons)
        for outcome in outcomes:
            if isinstance(outcome, ApiError):
                _log.warning("images: one cannot be used (%s)", outcome)
        return pictures

    async def _sources(self, answer: bytes, n: int) -> list[list[tuple[SourceKind, bytes]]]:
        """Read the answer; give what each of its first `n` entries holds.

        Raises:
            ApiError: the answer is an error, or not what was expected.
        """
        most_bytes = self._transport.limits.image_bytes
        try:
            result = await self._workers.run("find images", [answer], most_entries=n, most_bytes=most_bytes)
        except JobFailed as error:
            raise InvalidApiResponse(f"images: {error}") from error
        entries: dict[int, list[tuple[SourceKind, bytes]]] = {}
        for (number, source), data in zip(result.facts["found"], result.parts, strict=True):
            if source == SourceKind.ERROR:
                raise error_from_payload(_CALL, {"error": decode_any(data)})
            entries.setdefault(number, []).append((SourceKind(source), data))
        return list(entries.values())

    async def _picture(
        self, sources: Sequence[tuple[SourceKind, bytes]], timeouts: CallTimeouts
    ) -> GeneratedImage | ApiError:
        """Return the picture, or why there is none: one bad picture must not take the others with it.

        Where an entry holds both the picture and an address, either will do.
        """
        fault: ApiError = InvalidApiResponse("images: an entry without a picture")
        for source, data in sources:
            try:
                match source:
                    case SourceKind.DATA:
                        return await self._checked(data)
                    case SourceKind.ADDRESS:
                        return await self._checked(await self._fetcher.fetch(data.decode(), timeouts))
                    case _:
                        fault = InvalidApiResponse(data.decode())
            except ApiError as error:
                fault = error
        return fault

    async def _checked(self, data: bytes) -> GeneratedImage:
        """Make sure that it is a picture, and a whole one.

        Raises:
            InvalidApiResponse: it is not.
        """
        try:
            result = await self._workers.run_image_job(
                "validate image", data, most_pixels=self._transport.limits.image_pixels
            )
        except JobFailed as error:
            raise InvalidApiResponse(f"images: {error}") from error
        found = result.facts
        return GeneratedImage(data, str(found["media_type"]), int(found["width"]), int(found["height"]))
