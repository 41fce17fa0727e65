"""The AI service on a loopback port: as strict as OpenAI, with faults on request."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from aiohttp import web

from sandbox.json_object import Json
from sandbox.openai import chat, images, sample_text, speech
from sandbox.openai import payloads as payloads
from sandbox.openai.calls import ApiCall, ApiCallLog, CallKind
from sandbox.openai.delivery import ApiError, Delivery
from sandbox.openai.faults import ApiFaults, RequestFilter, StreamStyle
from sandbox.openai.sample_speech import SpeechSynthesizer

HOST = "127.0.0.1"
MODELS = (
    "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-4o", "gpt-4o-mini", "o4-mini", "tts-1", "tts-1-hd",
    "gpt-4o-mini-tts", "dall-e-2", "dall-e-3", "gpt-image-1", "whisper-1", "text-embedding-3-small",
    "text-embedding-3-large", "omni-moderation-latest",
)  # fmt: skip

_MAX_BODY_BYTES = 8 * 1024 * 1024
_CLOSE_WITHIN_S = 0.2


@dataclass(slots=True)
class _Script:
    deltas: Sequence[str]
    when: RequestFilter | None
    left: int | None


class OpenAiServer:
    """An OpenAI-compatible server for chat, speech, images and models; an async context manager.

    `faults` are the faults on request, `stream_style` the variant of streams, `pace_s` the seconds between deltas,
    `models` the list of models. `requests` has every request, oldest first.
    """

    def __init__(
        self, *, key: str | None = None, pace_s: float = 0.0, seed: int = 0, voices: SpeechSynthesizer | None = None
    ) -> None:
        self.key = key or f"sk-sandbox-{secrets.token_hex(16)}"
        self.pace_s = pace_s
        self.models = list(MODELS)
        self.faults = ApiFaults()
        self.stream_style = StreamStyle()
        self.voices = voices or SpeechSynthesizer()
        self.image_generator = images.ImageGenerator(seed)
        self._seed = seed
        self._log = ApiCallLog()
        self._scripts: list[_Script] = []
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._port = 0
        self._closing = False

    @property
    def root(self) -> str:
        """The server's address without a path."""
        return f"http://{HOST}:{self._port}"

    @property
    def base_url(self) -> str:
        """The API's base URL for the bot, ending in /v1."""
        return f"{self.root}/v1"

    @property
    def requests(self) -> list[ApiCall]:
        """All requests so far, also rejected ones."""
        return self._log.calls

    def calls(self, kind: CallKind | str) -> list[ApiCall]:
        """Return the requests of one kind so far."""
        return [call for call in self.requests if call.kind == kind]

    async def until(self, predicate: Callable[[], bool], deadline_s: float = 10.0) -> None:
        """Wait until `predicate` is true; it is checked whenever a request begins or ends.

        Raises:
            TimeoutError: it did not within `deadline_s` seconds.
        """
        await self._log.until(predicate, deadline_s)

    def script(
        self,
        text: str | Sequence[str],
        *,
        every: int | None = None,
        when: RequestFilter | None = None,
        times: int | None = 1,
    ) -> None:
        """Respond with exactly this text to the next `times` chat requests (None: all) that `when` accepts.

        A sequence of strings is streamed as these deltas; a string in small ones, or in ones of `every` characters.
        """
        if not isinstance(text, str):
            deltas = list(text)
        elif every is not None:
            deltas = [text[start : start + every] for start in range(0, len(text), every)]
        else:
            deltas = sample_text.split_deltas(text)
        self._scripts.append(_Script(deltas, when, times))

    @contextlib.asynccontextmanager
    async def offline(self) -> AsyncIterator[None]:
        """Refuse new connections and close open ones inside the context."""
        assert self._runner is not None
        assert self._site is not None
        await self._site.stop()
        if self._runner.server is not None:
            for connection in list(self._runner.server.connections):
                connection.force_close()
        try:
            yield
        finally:
            await self._listen()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.router.add_get("/v1/models", self._serve(lambda _: CallKind.MODELS))
        app.router.add_post("/v1/chat/completions", self._serve(_chat_or_speech))
        app.router.add_post("/v1/audio/speech", self._serve(lambda _: CallKind.SPEECH))
        app.router.add_post("/v1/images/generations", self._serve(lambda _: CallKind.IMAGES))
        app.router.add_get("/images/{name}", self._get_image)
        app.router.add_route("*", "/{path:.*}", self._unknown)
        # Handlers are cancelled when the client disconnects, so that a closed stream is noticed at once.
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_CLOSE_WITHIN_S)
        await self._runner.setup()
        await self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        self._closing = True
        await self._runner.cleanup()

    async def _listen(self) -> None:
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, HOST, self._port)
        await self._site.start()
        self._port = self._runner.addresses[0][1]

    def _serve(self, kind_of: Callable[[Json], CallKind]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handler(request: web.Request) -> web.StreamResponse:
            body = await _json(request)
            call = self._log.begin(kind_of(body or {}), request.path, body or {})
            met = self.faults.take(call.kind, call.body)
            delivery = Delivery(request, call, self.faults, met, self.pace_s)
            try:
                response = await self._respond(request, body, call, delivery)
            except ConnectionError:
                self._log.client_disconnected(call)
                return web.StreamResponse()
            except asyncio.CancelledError:
                if not self._closing:
                    self._log.client_disconnected(call)
                raise
            self._log.finish(call)
            return response

        return handler

    async def _respond(
        self, request: web.Request, body: Json | None, call: ApiCall, delivery: Delivery
    ) -> web.StreamResponse:
        try:
            if request.headers.get("Authorization") != f"Bearer {self.key}":
                raise ApiError(401, "Incorrect API key provided.", code="invalid_api_key")
            if body is None:
                raise ApiError(400, "We could not parse the JSON body of your request.")
            return await delivery.instead() or await self._answer(call, delivery)
        except ApiError as refusal:
            return await delivery.json(refusal.body, status=refusal.status)

    async def _answer(self, call: ApiCall, delivery: Delivery) -> web.StreamResponse:
        if call.kind is not CallKind.MODELS:
            self._check_model(call)
        match call.kind:
            case CallKind.MODELS:
                return await delivery.json(payloads.model_list(self.models))
            case CallKind.CHAT:
                chat.validate(call.body)
                stream_style = delivery.fault(StreamStyle) or self.stream_style
                return await chat.respond(call, self._deltas(call.body), stream_style, delivery)
            case CallKind.SPEECH:
                speech.validate(call.body)
                return await speech.respond(call, self.voices, delivery)
            case CallKind.IMAGES:
                images.validate(call.body)
                return await self.image_generator.answer(call, self.root, delivery)

    def _check_model(self, call: ApiCall) -> None:
        model = call.body.get("model")
        if not isinstance(model, str) or not model:
            raise ApiError(400, "you must provide a model parameter")
        if model not in self.models:
            message = f"The model `{model}` does not exist or you do not have access to it."
            raise ApiError(404, message, code="model_not_found")
        if kind_of_model(model) is not call.kind:
            raise ApiError(404, f"The model `{model}` is not supported in the {call.path} endpoint.")

    def _deltas(self, body: Json) -> Sequence[str]:
        for script in self._scripts:
            if script.when is None or script.when(body):
                if script.left is not None:
                    script.left -= 1
                    if script.left <= 0:
                        self._scripts.remove(script)
                return script.deltas
        return sample_text.split_deltas(sample_text.generate(body["messages"], model=body["model"], seed=self._seed))

    async def _get_image(self, request: web.Request) -> web.Response:
        data = self.image_generator.get_image(request.match_info["name"])
        if data is None:
            return web.Response(status=404)
        return web.Response(body=data, content_type="image/png")

    async def _unknown(self, request: web.Request) -> web.Response:
        return web.json_response(payloads.error(f"Invalid URL ({request.method} {request.path})"), status=404)


def kind_of_model(model: str) -> CallKind | None:
    """Return a model's kind of requests; None for unsupported ones."""
    if "tts" in model:
        return CallKind.SPEECH
    if "dall-e" in model or "image" in model:
        return CallKind.IMAGES
    if any(word in model for word in ("whisper", "embedding", "moderation", "transcribe")):
        return None
    return CallKind.CHAT


def _chat_or_speech(body: Json) -> CallKind:
    return CallKind.SPEECH if kind_of_model(str(body.get("model"))) is CallKind.SPEECH else CallKind.CHAT


async def _json(request: web.Request) -> Json | None:
    """Return the request's JSON object; empty for GET, None for anything else."""
    if request.method == "GET":
        return {}
    try:
        body = json.loads(await request.read())
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
