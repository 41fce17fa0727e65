"""What is a picture, whatever stands beside its pixels, and what is none."""

import io
import struct
import zlib

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bot.api.image_validation import MAX_SCANS, GeneratedImage, validate_image
from bot.conversation.image_inputs import prepare_image
from bot.errors import InvalidApiResponse
from tests.support.make_picture import many_scans, picture

MOST = 16_000_000
PNG = picture(64, 48, noise=True)
MEBIBYTES_2 = "w" * 2 * 1024 * 1024
PROFILE = bytes(1_500_000)


def chunk(kind: bytes, body: bytes, *, sound: bool = True) -> bytes:
    crc = zlib.crc32(kind + body) ^ (not sound)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


def with_chunk(extra: bytes) -> bytes:
    """A PNG with a chunk right behind its header."""
    return PNG[:33] + extra + PNG[33:]


def with_text(*, zipped: bool, international: bool = False) -> bytes:
    info = PngInfo()
    (info.add_itxt if international else info.add_text)("workflow", MEBIBYTES_2, zip=zipped)
    return picture(64, 48, noise=True, pnginfo=info)


def with_segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    return jpeg[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


JPEG = picture(64, 48, kind="JPEG", noise=True)
NOT_HEX = b"Raw profile type exif\0" + b"\nexif\n      10\nnot hexadecimal at all\n"
GOOD = {
    "a workflow, compressed": with_text(zipped=True),
    "a workflow, compressed and international": with_text(zipped=True, international=True),
    "a workflow as it is": with_text(zipped=False),
    "a large profile": picture(64, 48, noise=True, icc_profile=PROFILE),
    "a profile that is none": with_chunk(chunk(b"iCCP", b"x\0\0not zlib")),
    "a profile with a wrong sum": with_chunk(chunk(b"iCCP", b"x\0\0", sound=False)),
    "notes that are no hexadecimal": with_chunk(chunk(b"tEXt", NOT_HEX)),
    "notes that are no hexadecimal, compressed": with_chunk(
        chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(NOT_HEX.partition(b"\0")[2]))
    ),
    "camera notes that are none": with_chunk(chunk(b"eXIf", b"MM\0\x2a\xff\xff\xff\xff")),
    "an unknown chunk with a wrong sum": with_chunk(chunk(b"caBX", b"signature", sound=False)),
    "a physical size of nothing": with_chunk(chunk(b"pHYs", b"\0")),
    "an animation that is none": with_chunk(chunk(b"acTL", b"\0")),
    "bytes behind its end": PNG + b"more",
    "a JPEG with camera notes that are none": with_segment(JPEG, 0xE1, b"Exif\0\0MM\0\x2a\xff\xff\xff\xff"),
    "a JPEG with several pictures that are none": with_segment(JPEG, 0xE2, b"MPF\0II*\0\xff\xff\xff\xff"),
    "a JPEG with an odd density": with_segment(JPEG, 0xED, b"Photoshop 3.0\x008BIM\x03\xed"),
    "a JPEG with remarks": with_segment(JPEG, 0xFE, b"remark \xff\xda\xff\xda"),
    "a JPEG in many scans": picture(64, 48, kind="JPEG", noise=True, progressive=True),
    "a JPEG with restarts": picture(64, 48, kind="JPEG", noise=True, restart_marker_blocks=1),
}


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_what_stands_beside_the_pixels_makes_no_picture_worse(data: bytes) -> None:
    kind = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
    assert validate_image(data, MOST) == GeneratedImage(data, kind, 64, 48)
    assert prepare_image(data)[2] == (64, 48)


def test_the_pixels_stay_what_they_are() -> None:
    for data, plain in ((GOOD["a workflow, compressed"], PNG), (GOOD["a JPEG with remarks"], JPEG)):
        seen = [Image.open(io.BytesIO(prepare_image(each)[1])).tobytes() for each in (data, plain)]
        assert seen[0] == seen[1]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_shown_upright(kind: str) -> None:
    taken = Image.Exif()
    taken[0x0112] = 6
    assert prepare_image(picture(60, 40, kind=kind, exif=taken))[2] == (40, 60)


def test_a_jpeg_of_a_sane_number_of_scans_is_one_and_another_is_none() -> None:
    assert validate_image(many_scans(20), MOST).width == 64
    with pytest.raises(InvalidApiResponse, match="scans"):
        validate_image(many_scans(MAX_SCANS), MOST)


NONE = {
    "too many pixels": picture(4001, 4001, mode="1"),
    "too many pixels, as WebP": picture(7071, 7071, kind="WEBP", mode="RGBA", lossless=True),
    "a header alone": PNG[:33],
    "half of it": PNG[: len(PNG) // 2],
    "a wrong sum": PNG[:50] + bytes([PNG[50] ^ 1]) + PNG[51:],
    "half a JPEG": JPEG[: len(JPEG) // 2],
    "a JPEG without pixels": JPEG[:2] + b"\xff\xd9",
    "a JPEG that begins and goes on like nothing": b"\xff\xd8\xff" * 1000,
    "a page": b"<html></html>",
    "nothing": b"",
}


@pytest.mark.parametrize("data", NONE.values(), ids=NONE)
def test_what_is_no_picture_or_too_large_a_one_is_a_broken_answer(data: bytes) -> None:
    with pytest.raises(InvalidApiResponse):
        validate_image(data, MOST)
    with pytest.raises(InvalidApiResponse):
        prepare_image(data)
