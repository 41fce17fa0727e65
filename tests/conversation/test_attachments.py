"""Files that come with a question: what can be used of them, and what a model gets to see."""

import asyncio
import base64
import io
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image, ImageFile

from bot.conversation import attachments
from bot.conversation.attachments import MAX_IMAGES, MAX_TEXT_BYTES, Attachment, FileTooLarge
from bot.conversation.image_inputs import LONGEST_SIDE, MAX_BYTES, estimate_image_tokens
from bot.conversation.prompt import PromptInputs, QuotedMessage
from bot.conversation.text_files import decode_text
from bot.errors import UnreadableFile
from bot.messages import answers as texts
from bot.messages.render import render
from bot.workers.pool import MAX_WAITING_PER_OWNER, DecodingWorkers
from tests.support.make_picture import picture


def attachment(name: str, data: bytes = b"x", media_type: str = "", **changes: Any) -> Attachment:
    async def read(most: int) -> bytes:
        assert len(data) <= most
        return data

    return replace(Attachment(name, len(data), media_type, None, None, read), **changes)


async def shown(workers: DecodingWorkers, data: bytes) -> ImageFile.ImageFile:
    """What a model is shown of a picture."""
    (sent_image,) = (await attachments.load([attachment("a.png", data, "image/png")], None, workers, 1)).images
    kind, _, encoded = sent_image.part.image_url.url.partition(";base64,")
    sent = base64.b64decode(encoded)
    assert len(sent) <= MAX_BYTES
    image = Image.open(io.BytesIO(sent))
    assert kind == f"data:image/{(image.format or '').lower()}"
    assert sent_image.tokens == estimate_image_tokens(*image.size)
    return image


# ---------------------------------------------------------------- before they are fetched


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("song.mp3", "audio/mpeg"),
        ("film.mp4", "video/mp4"),
        ("photo.heic", "image/heic"),
        ("drawing.svg", "image/svg+xml"),
    ],
)
def test_what_is_neither_a_picture_nor_a_text_is_named(name: str, media_type: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        attachments.ensure_usable(
            [attachment("fine.png", media_type="image/png"), attachment(name, media_type=media_type)]
        )
    assert f"I can't read `{name}`" in render(caught.value.message)
    assert "PNG" in render(caught.value.message)


@pytest.mark.parametrize(
    "file",
    [
        attachment("big.log", size=MAX_TEXT_BYTES + 1),
        attachment("big.png", media_type="image/png", size=21 * 2**20),
        attachment("wide.png", media_type="image/png", width=60_000, height=1000),
    ],
    ids=["text", "bytes", "pixels"],
)
def test_what_is_too_large_is_named(file: Attachment) -> None:
    with pytest.raises(UnreadableFile) as caught:
        attachments.ensure_usable([file])
    assert f"`{file.name}` is too large for me" in render(caught.value.message)


def test_many_are_too_much_together() -> None:
    pictures = [attachment(f"{number}.png", media_type="image/png") for number in range(MAX_IMAGES)]
    texts = [attachment(f"{number}.txt", size=MAX_TEXT_BYTES // 2) for number in range(2)]
    attachments.ensure_usable([*pictures, *texts])
    with pytest.raises(UnreadableFile):
        attachments.ensure_usable([*pictures, pictures[0]])
    with pytest.raises(UnreadableFile):
        attachments.ensure_usable([*texts, texts[0]])


def test_a_name_stays_a_name() -> None:
    with pytest.raises(UnreadableFile) as caught:
        attachments.ensure_usable([attachment("`@everyone`\n# big.mp3", media_type="audio/mpeg")])
    assert "`@everyone # big.mp3`" in render(caught.value.message)


def test_of_files_nobody_chose_the_first_that_can_be_used_are_taken() -> None:
    pictures = [attachment(f"{number}.png", media_type="image/png") for number in range(MAX_IMAGES + 2)]
    others = [attachment("song.mp3", media_type="audio/mpeg"), attachment("long.txt", size=MAX_TEXT_BYTES)]
    files = [*others, *pictures, attachment("a.txt")]
    assert attachments.select_usable(files) == (others[1], *pictures[:MAX_IMAGES])


def test_what_they_will_take_is_estimated_beforehand() -> None:
    known = attachment("a.png", media_type="image/png", width=512, height=512)
    unknown = attachment("b.png", media_type="image/png")
    text = attachment("c.txt", size=4000)
    assert attachments.describe([known], None).tokens == 85 + 170
    assert attachments.describe([unknown], None).tokens == 85 + 9 * 170
    assert 1000 <= attachments.describe([text], None).tokens < 1010
    assert attachments.describe([known, text], None).files == ("a.png", "c.txt")


# ---------------------------------------------------------------- what is in them


async def test_pictures_and_texts_are_told_apart_and_kept_in_order(workers: DecodingWorkers) -> None:
    about = QuotedMessage(1, "Ben", "hm")
    files = [
        attachment("b.py", "print('ä')\r\n".encode()),
        attachment("a.png", picture(20, 10), "image/png"),
        attachment("c", b"one", "application/json"),
    ]
    inputs = await attachments.load(files, about, workers, 1)
    assert inputs.files == ("b.py", "a.png", "c")
    assert [(text.name, text.text) for text in inputs.texts] == [("b.py", "print('ä')\n"), ("c", "one")]
    assert (len(inputs.images), inputs.about) == (1, about)
    assert inputs.tokens == 85 + 170
    assert await attachments.load([], None, workers, 1) == PromptInputs()


async def test_one_that_cannot_be_fetched_lets_go_of_the_others(workers: DecodingWorkers) -> None:
    let_go = asyncio.Event()

    async def hang(most: int) -> bytes:
        try:
            return await asyncio.Future()
        finally:
            let_go.set()

    async def fail(most: int) -> bytes:
        raise UnreadableFile("gone")

    files = [attachment("a.png", media_type="image/png", read=hang), attachment("b.txt", read=fail)]
    with pytest.raises(UnreadableFile):
        await attachments.load(files, None, workers, 1)
    assert let_go.is_set()
    async with workers.downloads.slot(1):
        pass


async def test_so_many_files_are_held_at_once_and_no_more(workers: DecodingWorkers) -> None:
    held: list[int] = []
    going_on = asyncio.Event()

    async def read(most: int) -> bytes:
        held.append(most)
        await going_on.wait()
        return b"words"

    files = [attachment(f"{number}.txt", read=read) for number in range(3)]
    asked = [asyncio.create_task(attachments.load(files, None, workers, owner)) for owner in range(3)]
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(held) == 4
    going_on.set()
    for each in await asyncio.gather(*asked):
        assert len(each.texts) == 3
    assert len(held) == 9


async def test_more_files_of_one_member_than_make_sense_are_refused_for_now(workers: DecodingWorkers) -> None:
    async def hang(most: int) -> bytes:
        return await asyncio.Future()

    hanging = [
        asyncio.create_task(attachments.load([attachment("a.txt", read=hang)], None, workers, 1))
        for _ in range(2 + MAX_WAITING_PER_OWNER)
    ]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(UnreadableFile) as caught:
        await attachments.load([attachment("b.txt")], None, workers, 1)
    assert "too many files" in render(caught.value.message)
    assert len((await attachments.load([attachment("c.txt")], None, workers, 2)).texts) == 1
    for each in hanging:
        each.cancel()
    await asyncio.wait(hanging)


async def test_text_files_are_bounded_together_whatever_their_sizes_are_said_to_be(workers: DecodingWorkers) -> None:
    files = [attachment(f"{number}.txt", b"x" * 40_000, size=5) for number in range(2)]
    attachments.ensure_usable(files)
    with pytest.raises(UnreadableFile) as caught:
        await attachments.load(files, None, workers, 1)
    assert caught.value.message == texts.too_much_text(64)


async def test_one_that_is_larger_than_it_is_said_to_be_is_named(workers: DecodingWorkers) -> None:
    async def read(most: int) -> bytes:
        raise FileTooLarge

    with pytest.raises(UnreadableFile) as caught:
        await attachments.load([attachment("long.txt", read=read)], None, workers, 1)
    assert "`long.txt` is too large for me" in render(caught.value.message)


@pytest.mark.parametrize(
    "file",
    [
        attachment("fake.png", b"no picture", "image/png"),
        attachment("cut.png", picture(200, 100, noise=True)[:5000], "image/png"),
        attachment("bomb.png", picture(8000, 8000, mode="1"), "image/png"),
        attachment("program", b"\x7fELF\x02\x01\x01\x00\x00\x00"),
        attachment("archive.zip", b"PK\x03\x04\x14\x00\x00\x00\x08\x00" + bytes(range(256))),
    ],
    ids=lambda file: file.name,
)
async def test_what_is_not_what_it_seemed_is_named(workers: DecodingWorkers, file: Attachment) -> None:
    with pytest.raises(UnreadableFile) as caught:
        await attachments.load([file], None, workers, 1)
    assert f"I can't read `{file.name}`" in render(caught.value.message)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain", "ascii"),
        ("Grüße, 日本, 🌊", "utf-8"),
        ("Grüße", "utf-8-sig"),
        ("Grüße 日本", "utf-16"),
        ("Grüße 日本", "utf-32"),
        ("Die Straße führt über die Brücke, und drüben grüßt der Wärter. " * 6, "cp1252"),
        ("Съешь же ещё этих мягких французских булок, да выпей чаю. " * 6, "cp1251"),
        ("いろはにほへと ちりぬるを わかよたれそ つねならむ。" * 6, "shift_jis"),
        ("", "ascii"),
        ("\x1b[31mred\x1b[0m\tin a log\n", "ascii"),
    ],
    ids=["ascii", "utf-8", "bom", "utf-16", "utf-32", "western", "cyrillic", "japanese", "empty", "coloured"],
)
def test_text_is_read_in_whatever_encoding_it_is(text: str, encoding: str) -> None:
    assert decode_text(text.encode(encoding)) == text


@pytest.mark.parametrize(
    "data",
    [b"a\x00b", b"\xff\xfe\x00", bytes(range(256)), b"\x89PNG\r\n\x1a\n\x00\x00"],
    ids=["nul", "half", "all", "png"],
)
def test_what_is_no_text_is_not_taken_for_one(data: bytes) -> None:
    assert decode_text(data) is None


@pytest.mark.parametrize(("size", "seen"), [((4000, 1000), (1536, 384)), ((300, 200), (300, 200))])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_a_model_gets_pictures_no_larger_than_it_looks_at(
    workers: DecodingWorkers, kind: str, size: tuple[int, int], seen: tuple[int, int]
) -> None:
    image = await shown(workers, picture(*size, kind=kind))
    assert image.size == seen
    assert max(image.size) <= LONGEST_SIDE


async def test_noise_is_squeezed_until_it_fits(workers: DecodingWorkers) -> None:
    assert (await shown(workers, picture(1600, 1600, noise=True))).format == "JPEG"


async def test_letters_on_a_screen_stay_sharp_and_see_through_ones_stay_so(workers: DecodingWorkers) -> None:
    assert (await shown(workers, picture(800, 600, kind="PNG"))).format == "PNG"
    assert (await shown(workers, picture(80, 60, kind="PNG", mode="RGBA"))).mode == "RGBA"


async def test_a_picture_is_upright_and_tells_nothing_of_where_it_was_taken(workers: DecodingWorkers) -> None:
    taken = Image.Exif()
    taken[0x0112] = 6  # turned by a quarter
    taken[0x010F] = "A Camera"
    image = await shown(workers, picture(300, 200, kind="JPEG", exif=taken))
    assert image.size == (200, 300)
    assert len(image.getexif()) == 0
    assert isinstance(image.fp, io.BytesIO)
    assert b"A Camera" not in image.fp.getvalue()
