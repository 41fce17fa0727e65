"""Pictures that fit into a message."""

import io

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bot.errors import BotError, InvalidApiResponse
from bot.images.compression import ImageTooLarge
from bot.images.generation import REQUEST_LIMIT, CompressedImage, compress_images
from bot.workers.pool import DecodingWorkers
from tests.support.make_picture import picture


def look(data: bytes) -> Image.Image:
    opened = Image.open(io.BytesIO(data))
    opened.load()
    return opened


def only(fitted: list[CompressedImage | BotError]) -> CompressedImage:
    assert len(fitted) == 1
    assert isinstance(fitted[0], CompressedImage)
    return fitted[0]


@pytest.mark.parametrize(
    ("kind", "media_type", "extension"),
    [
        ("PNG", "image/png", "png"),
        ("JPEG", "image/jpeg", "jpg"),
        ("WEBP", "image/webp", "webp"),
        ("GIF", "image/gif", "gif"),
    ],
)
async def test_what_fits_is_passed_on_byte_for_byte(
    workers: DecodingWorkers, kind: str, media_type: str, extension: str
) -> None:
    data = picture(64, 64, kind=kind)
    assert await compress_images(workers.files, [(data, media_type)], len(data)) == [CompressedImage(data, extension)]


async def test_a_big_picture_first_loses_quality_only(workers: DecodingWorkers) -> None:
    data = picture(256, 256, noise=True)
    fitted = only(await compress_images(workers.files, [(data, "image/png")], 150_000))
    assert fitted.extension == "webp"
    assert len(fitted.data) <= 150_000 < len(data)
    assert look(fitted.data).size == (256, 256)


async def test_a_far_too_big_picture_shrinks_in_proportion(workers: DecodingWorkers) -> None:
    fitted = only(await compress_images(workers.files, [(picture(400, 200, noise=True), "image/png")], 10_000))
    width, height = look(fitted.data).size
    assert len(fitted.data) <= 10_000
    assert width == pytest.approx(2 * height, abs=2)
    assert width < 400


async def test_see_through_parts_stay_see_through(workers: DecodingWorkers) -> None:
    data = picture(128, 128, noise=True, mode="RGBA")
    fitted = only(await compress_images(workers.files, [(data, "image/png")], 40_000))
    assert look(fitted.data).mode == "RGBA"


async def test_a_picture_on_its_side_is_put_upright_and_its_metadata_goes(workers: DecodingWorkers) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn right
    exif[0x010E] = "where it was taken"
    data = picture(200, 100, kind="JPEG", noise=True, exif=exif, quality=95)
    fitted = only(await compress_images(workers.files, [(data, "image/jpeg")], len(data) // 2))
    assert look(fitted.data).size == (100, 200)
    assert b"where it was taken" not in fitted.data


async def test_notes_in_a_png_go_when_it_is_compressed(workers: DecodingWorkers) -> None:
    notes = PngInfo()
    notes.add_text("parameters", "the prompt")
    data = picture(100, 100, noise=True, pnginfo=notes)
    assert b"the prompt" in only(await compress_images(workers.files, [(data, "image/png")], len(data))).data
    assert b"the prompt" not in only(await compress_images(workers.files, [(data, "image/png")], 20_000)).data


async def test_a_picture_too_long_for_webp_is_shrunk_to_its_limit(workers: DecodingWorkers) -> None:
    data = picture(20_000, 3, noise=True)
    fitted = only(await compress_images(workers.files, [(data, "image/png")], len(data) - 1))
    assert max(look(fitted.data).size) <= 16_383


async def test_one_that_cannot_fit_leaves_the_others_alone(workers: DecodingWorkers) -> None:
    small, big, broken = picture(8, 8), picture(64, 64, noise=True), b"\x89PNG\r\n\x1a\n" + bytes(9000)
    fitted = await compress_images(
        workers.files, [(big, "image/png"), (small, "image/png"), (broken, "image/png")], len(small)
    )
    assert isinstance(fitted[0], ImageTooLarge)
    assert fitted[1] == CompressedImage(small, "png")
    assert isinstance(fitted[2], InvalidApiResponse)


async def test_pictures_share_one_request(workers: DecodingWorkers) -> None:
    big, small = picture(300, 300, noise=True), picture(16, 16, noise=True)
    fitted = await compress_images(
        workers.files, [(big, "image/png"), (small, "image/png"), (big, "image/png")], 10_000_000, 400_000
    )
    sizes = [len(one.data) for one in fitted if isinstance(one, CompressedImage)]
    assert len(sizes) == 3
    assert sum(sizes) <= 400_000 - 64 * 1024
    assert fitted[1] == CompressedImage(small, "png")


def test_the_request_as_a_whole_is_what_discord_documents() -> None:
    assert REQUEST_LIMIT == 26_214_400
