"""Speech: validation of requests, and their responses."""

from aiohttp import web

from sandbox.json_object import Json
from sandbox.openai.calls import ApiCall
from sandbox.openai.delivery import ApiError, Delivery
from sandbox.openai.faults import Cut
from sandbox.openai.sample_speech import VOICES, SpeechSynthesizer

MAX_INPUT = 4096
"""OpenAI's limit for the characters of one request."""

_CHUNK_BYTES = 4096
_PARAMETERS = frozenset({"model", "input", "voice", "response_format", "speed", "instructions", "stream_format"})


def validate(body: Json) -> None:
    """Raise `ApiError` for a speech request that OpenAI would reject."""
    unknown = sorted(body.keys() - _PARAMETERS)
    if unknown:
        raise ApiError(400, f"Unrecognized request argument supplied: {unknown[0]}")
    for name in ("input", "voice"):
        if not isinstance(body.get(name), str):
            raise ApiError(400, f"Missing required parameter: '{name}'.", code="missing_required_parameter")
    if not body["input"].strip():
        raise ApiError(400, "Invalid 'input': string too short. Expected a string with at least 1 character.")
    if len(body["input"]) > MAX_INPUT:
        raise ApiError(
            400, f"Invalid 'input': string should have at most {MAX_INPUT} characters.", code="string_too_long"
        )
    if body["voice"] not in VOICES:
        known = ", ".join(f"'{name}'" for name in VOICES)
        raise ApiError(400, f"Invalid value for 'voice': expected one of {known}.", code="invalid_value")
    if body.get("response_format", "mp3") != "mp3":
        raise ApiError(400, "Only 'mp3' is offered as 'response_format' here.", code="invalid_value")


async def respond(call: ApiCall, voices: SpeechSynthesizer, delivery: Delivery) -> web.StreamResponse:
    """Send the input as MP3 in chunks."""
    sound = await voices.speak(call.body["input"], call.body["voice"])
    chunks = [sound[start : start + _CHUNK_BYTES] for start in range(0, len(sound), _CHUNK_BYTES)]
    cut = delivery.fault(Cut)
    return await delivery.send("audio/mpeg", chunks if cut is None else chunks[: cut.after], cut=cut)
