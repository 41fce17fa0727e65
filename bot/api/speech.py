"""Having a model speak: text in, MP3 bytes out as they come."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from bot.api.error_mapping import MAX_ERROR_BYTES, error_from_payload, is_error_payload, is_refusal
from bot.api.payloads import SpeechRequest, decode_any, encode
from bot.api.retries import Retries
from bot.api.timeouts import CallTimeouts
from bot.api.transport import ApiResponse, SendStatus, Transport
from bot.errors import ApiUnreachable, ContentRefused, InvalidApiResponse
from bot.workers.pool import JobFailed, Workers

log = logging.getLogger(__name__)

_CALL = "speech"
_HEAD_BYTES = 12
_MP3_HEAD_BYTES = 5
_MADE_WITHIN_S = 30.0


class Speech:
    """Speech from the path that the operator named."""

    def __init__(self, transport: Transport, retries: Retries, path: str, sounds: Workers) -> None:
        self._transport = transport
        self._retries = retries
        self._path = path
        self._sounds = sounds

    async def stream(self, model: str, text: str, voice: str, send_status: SendStatus) -> AsyncGenerator[bytes, None]:
        """Yield the MP3 file in pieces. Closing this closes the connection at once.

        WAV, Ogg and FLAC, which some servers send where they are told no format, become MP3 once all is there.

        Raises:
            InvalidApiResponse: it is no such sound, whatever the API called it, or broke off. What was yielded by then
                is
                the beginning of a file that has no end.
        """
        body = encode(SpeechRequest(model, text, voice))
        with self._transport.start_timeouts(_CALL) as timeouts:
            attempts = self._retries.retry_stream(_CALL, lambda: self._read_once(body, timeouts, send_status))
            async with aclosing(attempts) as pieces:
                async for piece in pieces:
                    yield piece

    async def _read_once(
        self, body: bytes, timeouts: CallTimeouts, send_status: SendStatus
    ) -> AsyncGenerator[bytes, None]:
        limits = self._transport.limits
        async with self._transport.open(
            timeouts,
            _CALL,
            self._path,
            body,
            first_byte_s=limits.first_byte_s,
            max_bytes=limits.speech_bytes,
            send_status=send_status,
        ) as reply:
            piece = await _read_head(reply)
            if (kind := detect_other_format(piece)) is not None:
                yield await self._as_mp3(await _read_all(reply, piece), kind)
                return
            if not is_mp3(piece):
                await _raise_what_it_is(reply, piece)
            while piece:
                yield piece
                piece = await _read_on(reply)

    async def _as_mp3(self, data: bytes, kind: str) -> bytes:
        try:
            result = await self._sounds.run("convert to mp3", [data], timeout_s=_MADE_WITHIN_S, kind=kind)
        except JobFailed as error:
            raise InvalidApiResponse(f"speech: {kind} that gives no MP3 ({error})") from error
        log.info("speech made into MP3", extra={"came": kind, "bytes": len(data)})
        return result.parts[0]


def detect_other_format(head: bytes) -> str | None:
    """Return FFmpeg's name of the format whose files begin like that, if it is one that is made into MP3."""
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "wav"
    return {b"OggS": "ogg", b"fLaC": "flac"}.get(head[:4])


def is_mp3(head: bytes) -> bool:
    """Whether the first five bytes begin an MP3 file: an ID3v2 tag, or the header of a layer III frame.

    The eleven bits of sync alone would pass UTF-16 text and AAC, so the rest of the header has to make sense too.
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


async def _read_head(reply: ApiResponse) -> bytes:
    head = b""
    while len(head) < _HEAD_BYTES and (piece := await _read_on(reply)):
        head += piece
    return head


async def _read_all(reply: ApiResponse, head: bytes) -> bytes:
    body = bytearray(head)
    while piece := await _read_on(reply):
        body += piece
    return bytes(body)


async def _read_on(reply: ApiResponse) -> bytes:
    try:
        return await reply.read()
    except ApiUnreachable:
        if not reply.began:
            raise
        raise InvalidApiResponse("speech: broke off") from None


async def _raise_what_it_is(reply: ApiResponse, head: bytes) -> None:
    """Raise the error that the API sent in place of speech, else that it sent something else."""
    if head.lstrip()[:1] == b"{":
        body = bytearray(head)
        while len(body) <= MAX_ERROR_BYTES and (piece := await _read_on(reply)):
            body += piece
        said = decode_any(bytes(body)) if len(body) <= MAX_ERROR_BYTES else None
        if is_error_payload(said):
            raise error_from_payload(_CALL, said)
        if is_refusal(said):
            raise ContentRefused("speech: refused in words")
    raise InvalidApiResponse("speech: not MP3" if head else "speech: nothing came")
