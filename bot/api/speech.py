"""Speech requests: text in, MP3 bytes out as they arrive."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from bot.api.call import ApiCall
from bot.api.error_mapping import MAX_ERROR_BYTES, error_from_payload, is_error_payload, is_refusal
from bot.api.payloads import SpeechRequest, decode_any, encode
from bot.api.transport import ApiResponse, SendStatus, Transport
from bot.errors import ApiUnreachable, ContentRefused, InvalidApiResponse
from bot.workers.pool import JobFailed, Workers

logger = logging.getLogger(__name__)

_CALL = "speech"
_HEAD_BYTES = 12
_MP3_HEAD_BYTES = 5
_CONVERSION_TIMEOUT_S = 30.0


class SpeechApi:
    """Requests speech from the path that the operator set."""

    def __init__(self, transport: Transport, path: str, workers: Workers) -> None:
        self._transport = transport
        self._path = path
        self._workers = workers

    async def stream(
        self, model: str, text: str, voice: str, send_status: SendStatus | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Yield the MP3 file in chunks. Closing this closes the connection at once. `send_status` follows the request.

        WAV, Ogg and FLAC, which some servers send by default, are converted to MP3 when they are complete.

        Raises:
            InvalidApiResponse: it is none of these formats, whatever its content type, or it broke off. What was
                yielded before is the beginning of an incomplete file.
        """
        body = encode(SpeechRequest(model, text, voice))
        with self._transport.start_call(_CALL) as call:
            attempts = call.retry_stream(lambda: self._read_once(body, call, send_status))
            async with aclosing(attempts) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def _read_once(
        self, body: bytes, call: ApiCall, send_status: SendStatus | None
    ) -> AsyncGenerator[bytes, None]:
        limits = self._transport.limits
        async with self._transport.open(
            call,
            self._path,
            body,
            first_byte_s=limits.first_byte_s,
            max_bytes=limits.speech_bytes,
            send_status=send_status,
        ) as response:
            chunk = await _read_head(response)
            if (kind := detect_other_format(chunk)) is not None:
                yield await self._convert_to_mp3(await _read_all(response, chunk), kind)
                return
            if not is_mp3(chunk):
                await _raise_not_mp3(response, chunk)
            while chunk:
                yield chunk
                chunk = await _read_chunk(response)

    async def _convert_to_mp3(self, data: bytes, kind: str) -> bytes:
        try:
            result = await self._workers.run("convert to mp3", [data], timeout_s=_CONVERSION_TIMEOUT_S, kind=kind)
        except JobFailed as error:
            raise InvalidApiResponse(f"speech: {kind} that gives no MP3 ({error})") from error
        logger.info("speech converted to MP3", extra={"format": kind, "bytes": len(data)})
        return result.parts[0]


def detect_other_format(head: bytes) -> str | None:
    """Return FFmpeg's name of the format that `head` begins with, if it is one that is converted to MP3."""
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "wav"
    return {b"OggS": "ogg", b"fLaC": "flac"}.get(head[:4])


def is_mp3(head: bytes) -> bool:
    """Return whether the first five bytes begin an MP3 file: an ID3v2 tag, or the header of a layer III frame.

    The eleven sync bits alone would accept UTF-16 text and AAC, so the rest of the header has to be valid too.
    """
    if len(head) < _MP3_HEAD_BYTES:
        return False
    if head.startswith(b"ID3"):
        return head[3] in (2, 3, 4) and head[4] != 0xFF
    if head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 0b11, head[1] >> 1 & 0b11
    bitrate, sampling_rate = head[2] >> 4, head[2] >> 2 & 0b11
    return version != 0b01 and layer == 0b01 and bitrate not in (0b0000, 0b1111) and sampling_rate != 0b11


async def _read_head(response: ApiResponse) -> bytes:
    head = b""
    while len(head) < _HEAD_BYTES and (chunk := await _read_chunk(response)):
        head += chunk
    return head


async def _read_all(response: ApiResponse, head: bytes) -> bytes:
    body = bytearray(head)
    while chunk := await _read_chunk(response):
        body += chunk
    return bytes(body)


async def _read_chunk(response: ApiResponse) -> bytes:
    try:
        return await response.read()
    except ApiUnreachable:
        if not response.has_data:
            raise
        raise InvalidApiResponse("speech: broke off") from None


async def _raise_not_mp3(response: ApiResponse, head: bytes) -> None:
    """Raise the error that the API sent in place of speech.

    Raises:
        ApiError: the one that the API sent; `InvalidApiResponse` if it sent something else.
    """
    if head.lstrip()[:1] == b"{":
        body = bytearray(head)
        while len(body) <= MAX_ERROR_BYTES and (chunk := await _read_chunk(response)):
            body += chunk
        payload = decode_any(bytes(body)) if len(body) <= MAX_ERROR_BYTES else None
        if is_error_payload(payload):
            raise error_from_payload(_CALL, payload)
        if is_refusal(payload):
            raise ContentRefused("speech: refused in words")
    raise InvalidApiResponse("speech: not MP3" if head else "speech: nothing came")
