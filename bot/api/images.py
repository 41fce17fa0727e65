"""Having a model draw: a prompt in, checked pictures out."""

import logging
from collections.abc import Sequence

from bot.api.error_mapping import MAX_FAULT_BYTES, fault_in_answer, refuses_in_words
from bot.api.image_decoding import Source
from bot.api.image_download import ImageDownloader
from bot.api.image_validation import Picture
from bot.api.payloads import ImagesRequest, any_json, encode
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

    async def make(self, model: str, prompt: str, *, size: str | None, n: int) -> list[Picture]:
        """Give the usable ones among up to `n` pictures.

        Raises:
            ContentRefused: there is none, and the answer says in words that it was refused.
            InvalidApiResponse: none of them is a picture.
        """
        body = encode(ImagesRequest(model, prompt, n, size))
        limits = self._transport.limits
        with self._transport.deadlines(_CALL) as deadlines:

            async def ask() -> bytes:
                async with self._transport.open(
                    deadlines,
                    _CALL,
                    _PATH,
                    body,
                    first_byte_s=limits.made_first_byte_s,
                    max_bytes=limits.pictures_bytes,
                ) as reply:
                    return await reply.read_whole()

            answer = await self._retries.of_answer(_CALL, ask)
            try:
                return await self._pictures(answer, n, deadlines)
            except InvalidApiResponse:
                if len(answer) <= MAX_FAULT_BYTES and refuses_in_words(any_json(answer)):
                    raise ContentRefused("images: refused in words") from None
                raise

    async def _pictures(self, answer: bytes, n: int, deadlines: CallTimeouts) -> list[Picture]:
        outcomes = [await self._picture(sources, deadlines) for sources in await self._sources(answer, n)]
        pictures = [outcome for outcome in outcomes if isinstance(outcome, Picture)]
        if not pictures:
            reasons = "; ".join(str(outcome) for outcome in outcomes) or "images: an empty list"
            raise InvalidApiResponse(reasons)
        for outcome in outcomes:
            if isinstance(outcome, ApiError):
                _log.warning("images: one cannot be used (%s)", outcome)
        return pictures

    async def _sources(self, answer: bytes, n: int) -> list[list[tuple[Source, bytes]]]:
        """Read the answer; give what each of its first `n` entries holds.

        Raises:
            ApiError: the answer is an error, or not what was expected.
        """
        most_bytes = self._transport.limits.picture_bytes
        try:
            result = await self._workers.run("find pictures", [answer], most_entries=n, most_bytes=most_bytes)
        except JobFailed as error:
            raise InvalidApiResponse(f"images: {error}") from error
        entries: dict[int, list[tuple[Source, bytes]]] = {}
        for (number, source), data in zip(result.facts["found"], result.parts, strict=True):
            if source == Source.ERROR:
                raise fault_in_answer(_CALL, {"error": any_json(data)})
            entries.setdefault(number, []).append((Source(source), data))
        return list(entries.values())

    async def _picture(self, sources: Sequence[tuple[Source, bytes]], deadlines: CallTimeouts) -> Picture | ApiError:
        """Return the picture, or why there is none: one bad picture must not take the others with it.

        Where an entry holds both the picture and an address, either will do.
        """
        fault: ApiError = InvalidApiResponse("images: an entry without a picture")
        for source, data in sources:
            try:
                match source:
                    case Source.DATA:
                        return await self._checked(data)
                    case Source.ADDRESS:
                        return await self._checked(await self._fetcher.fetch(data.decode(), deadlines))
                    case _:
                        fault = InvalidApiResponse(data.decode())
            except ApiError as error:
                fault = error
        return fault

    async def _checked(self, data: bytes) -> Picture:
        """Make sure that it is a picture, and a whole one.

        Raises:
            InvalidApiResponse: it is not.
        """
        try:
            result = await self._workers.run_picture(
                "check picture", data, most_pixels=self._transport.limits.picture_pixels
            )
        except JobFailed as error:
            raise InvalidApiResponse(f"images: {error}") from error
        found = result.facts
        return Picture(data, str(found["media_type"]), int(found["width"]), int(found["height"]))
