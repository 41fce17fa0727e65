"""From a prompt to files for one message, over a real client, with a real ledger."""

import asyncio
import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from PIL import Image

from bot.api.image_validation import GeneratedImage
from bot.api.images import ImagesApi
from bot.clock import SystemClock
from bot.errors import ApiServerError, BadRequest, ContentRefused, InvalidApiResponse, InvalidOption, QuotaExceeded
from bot.images.compression import ImageTooLarge
from bot.images.generation import GenerationResult, ImageGenerator, ImageRequest
from bot.messages import images as texts
from bot.store.quota_limits import Kind
from tests.support.make_picture import picture
from tests.support.request_runs import MIB_10, MemoryImageOutput, run_or_raise
from tests.support.service_harness import DEADLINE_S, REQUESTER, ServiceHarness, error_response, open_service_harness

PNG = picture(32, 32)
CAT = ImageRequest("a cat on the moon", "gpt-image-1", size="1024x1024")


def drawn(pictures: Sequence[bytes]) -> web.Response:
    return web.json_response(
        {"created": 1, "data": [{"b64_json": base64.b64encode(data).decode()} for data in pictures]}
    )


async def drawing(wanted: dict[str, Any], request: web.Request) -> web.StreamResponse:
    return drawn([PNG] * wanted.get("n", 1))


def in_turn(*answers: web.Response) -> Any:
    """Answer the first request with the first of `answers`, and so on."""
    waiting = list(answers)

    async def handle(wanted: dict[str, Any], request: web.Request) -> web.StreamResponse:
        return waiting.pop(0)

    return handle


def make_generator(shop: ServiceHarness, api: ImagesApi | None = None) -> ImageGenerator:
    return ImageGenerator(api or shop.api.images, shop.ledger, shop.workers.files, SystemClock(), shop.generations)


async def draw(
    shop: ServiceHarness,
    request: ImageRequest,
    upload_limit: int = MIB_10,
    generator: ImageGenerator | None = None,
) -> GenerationResult:
    output = MemoryImageOutput(upload_limit)
    use_case = (generator or make_generator(shop)).draw(REQUESTER, request, output, author_id=REQUESTER.user_id)
    await run_or_raise(use_case)
    (result,) = output.shown
    return result


def several(n: int, model: str = "gpt-image-1") -> ImageRequest:
    return ImageRequest("a cat", model, n=n)


async def test_a_prompt_becomes_a_file_with_alt_text(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, drawing) as shop:
        result = await draw(shop, CAT)
        assert shop.asked == [{"model": "gpt-image-1", "prompt": CAT.prompt, "size": "1024x1024"}]
        (file,) = result.files
        assert (file.data, file.filename, file.description) == (PNG, "image-1.png", CAT.prompt)
        assert not file.spoiler
        assert result.notice is None
        assert await shop.used(Kind.IMAGES) == 1


async def test_several_pictures_come_from_one_request_where_the_model_takes_it(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, drawing) as shop:
        result = await draw(shop, several(3))
        assert [wanted.get("n", 1) for wanted in shop.asked] == [3]
        assert [file.filename for file in result.files] == ["image-1.png", "image-2.png", "image-3.png"]
        assert await shop.used(Kind.IMAGES) == 3


async def test_a_model_that_takes_one_picture_is_asked_in_parallel(tmp_path: Path) -> None:
    arrived = 0
    all_there = asyncio.Event()

    async def handle(wanted: dict[str, Any], request: web.Request) -> web.StreamResponse:
        nonlocal arrived
        arrived += 1
        if arrived == 4:
            all_there.set()
        await all_there.wait()
        return await drawing(wanted, request)

    async with open_service_harness(tmp_path, handle) as shop:
        result = await draw(shop, several(4, "dall-e-3"))
        assert [wanted.get("n", 1) for wanted in shop.asked] == [1, 1, 1, 1]
        assert len(result.files) == 4


async def test_a_model_that_turns_down_several_is_asked_for_single_ones_from_then_on(tmp_path: Path) -> None:
    async def handle(wanted: dict[str, Any], request: web.Request) -> web.StreamResponse:
        return drawn([PNG]) if wanted.get("n", 1) == 1 else error_response(400)

    async with open_service_harness(tmp_path, handle) as shop:
        generator = make_generator(shop)
        for _ in range(2):
            result = await draw(shop, several(2, "some-model"), generator=generator)
            assert len(result.files) == 2
            assert result.notice is None
        assert [wanted.get("n", 1) for wanted in shop.asked] == [2, 1, 1, 1, 1]
        assert await shop.used(Kind.IMAGES) == 4


async def test_a_request_that_is_bad_in_any_number_fails_and_is_not_paid_for(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, in_turn(*(error_response(400) for _ in range(3)))) as shop:
        with pytest.raises(BadRequest):
            await draw(shop, several(2))
        assert await shop.used(Kind.IMAGES) == 0


async def test_the_pictures_that_worked_are_shown_and_the_rest_is_given_back(tmp_path: Path) -> None:
    refused = error_response(400, "content_policy_violation")
    async with open_service_harness(
        tmp_path, in_turn(drawn([PNG]), error_response(500), refused, drawn([PNG]))
    ) as shop:
        result = await draw(shop, several(4, "dall-e-3"))
        assert [file.filename for file in result.files] == ["image-1.png", "image-2.png"]
        assert result.notice == texts.some_missing(2, 4, ContentRefused.message)
        assert await shop.used(Kind.IMAGES) == 2


async def test_fewer_pictures_than_asked_for_are_shown_with_a_note(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, in_turn(drawn([PNG, b"no picture"]))) as shop:
        result = await draw(shop, several(3))
        assert len(result.files) == 1
        assert result.notice == texts.some_missing(2, 3, texts.too_few_generated())
        assert await shop.used(Kind.IMAGES) == 1


async def test_when_all_fail_the_most_telling_error_is_raised_and_all_is_given_back(tmp_path: Path) -> None:
    refused = error_response(400, "content_policy_violation")
    async with open_service_harness(tmp_path, in_turn(error_response(500), refused)) as shop:
        with pytest.raises(ContentRefused):
            await draw(shop, several(2, "dall-e-3"))
        assert await shop.used(Kind.IMAGES) == 0


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (error_response(500), ApiServerError),
        (drawn([]), InvalidApiResponse),
        (drawn([b"<html>"]), InvalidApiResponse),
        (drawn([picture(64, 64, noise=True)[:5000]]), InvalidApiResponse),
        (web.Response(body=PNG, content_type="image/png"), InvalidApiResponse),
    ],
    ids=["500", "nothing", "html", "torn", "bare file"],
)
async def test_what_is_no_picture_is_not_paid_for(tmp_path: Path, answer: web.Response, error: type[Exception]) -> None:
    async with open_service_harness(tmp_path, in_turn(answer)) as shop:
        with pytest.raises(error):
            await draw(shop, CAT)
        assert await shop.used(Kind.IMAGES) == 0


async def test_a_spent_quota_or_a_bad_option_refuses_before_anything_is_asked(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, drawing, member_images=2) as shop:
        with pytest.raises(InvalidOption):
            await draw(shop, ImageRequest("a cat", "dall-e-3", size="big!"))
        with pytest.raises(QuotaExceeded):
            await draw(shop, several(3))
        assert shop.asked == []
        assert await shop.used(Kind.IMAGES) == 0


class Telling:
    """An API client that tells when pictures have come."""

    def __init__(self, api: ImagesApi) -> None:
        self._api = api
        self.came = asyncio.Event()

    async def generate(self, *arguments: Any, **options: Any) -> list[GeneratedImage]:
        pictures = await self._api.generate(*arguments, **options)
        self.came.set()
        return pictures


async def test_a_cancelled_drawing_pays_for_what_came(tmp_path: Path) -> None:
    async def handle(wanted: dict[str, Any], request: web.Request) -> web.StreamResponse:
        if len(shop.asked) > 1:
            await asyncio.Event().wait()
        return await drawing(wanted, request)

    async with open_service_harness(tmp_path, handle) as shop:
        api = Telling(shop.api.images)
        generator = make_generator(shop, api)  # type: ignore[arg-type]
        drawing_on = asyncio.create_task(draw(shop, several(3, "dall-e-3"), generator=generator))
        await asyncio.wait_for(api.came.wait(), DEADLINE_S)
        assert await shop.used(Kind.IMAGES) == 3
        drawing_on.cancel()
        await asyncio.wait({drawing_on})
        assert drawing_on.cancelled()
        assert await shop.used(Kind.IMAGES) == 1


async def test_a_picture_over_the_upload_limit_is_made_to_fit(tmp_path: Path) -> None:
    big = picture(128, 128, noise=True)
    async with open_service_harness(tmp_path, in_turn(drawn([PNG, big]))) as shop:
        result = await draw(shop, several(2), upload_limit=20_000)
        assert [file.filename for file in result.files] == ["image-1.png", "image-2.webp"]
        assert len(result.files[1].data) <= 20_000 < len(big)
        assert Image.open(io.BytesIO(result.files[1].data)).format == "WEBP"


async def test_a_picture_that_cannot_fit_has_a_sentence(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, in_turn(drawn([picture(128, 128, noise=True)]))) as shop:
        with pytest.raises(ImageTooLarge) as raised:
            await draw(shop, CAT, upload_limit=50)
        assert raised.value.message == texts.too_large()
        assert await shop.used(Kind.IMAGES) == 1  # it was drawn


async def test_alt_text_is_cut_and_spoilers_are_marked(tmp_path: Path) -> None:
    async with open_service_harness(tmp_path, drawing) as shop:
        result = await draw(shop, ImageRequest("m" * 2000, "dall-e-3", spoiler=True))
        assert result.files[0].description == "m" * 1023 + "…"
        assert result.files[0].spoiler
