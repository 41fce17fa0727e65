"""Pictures as their callers get them: checked files, or an error that fits."""

import asyncio
import base64
import sys
from urllib.parse import quote

import pytest

from bot.api.api_client import ApiClient
from bot.api.image_validation import GeneratedImage, validate_image
from bot.api.transport import CallLimits
from bot.errors import ApiError, ApiServerError, ApiTimeout, ApiUnreachable, ContentRefused, InvalidApiResponse
from sandbox.json_object import Json
from tests.api.api_peers import (
    DEADLINE_S,
    KEY,
    Answer,
    Connect,
    chunked,
    delta,
    hanging,
    pass_until,
    peer,
    replying,
    writing,
)
from tests.support.clock import FakeClock
from tests.support.make_picture import picture

PNG = picture(40, 30)
_NOISE = picture(40, 30, noise=True)
PADDED = _NOISE + b"\0" * ((1 - len(_NOISE)) % 3)
"""A picture whose base64 needs padding; what follows the end of a PNG is nobody's concern."""
MAX_PIXELS = CallLimits().image_pixels


def base64_of(data: bytes, prefix: str = "") -> Json:
    return {"b64_json": prefix + base64.b64encode(data).decode(), "revised_prompt": None}


def made(*entries: object) -> Json:
    return {"created": 1, "data": list(entries), "usage": {"total_tokens": 3}}


async def draw(client: ApiClient, *, n: int = 1, size: str | None = None) -> list[GeneratedImage]:
    return await client.images.generate("dall-e-3", "a cat", size=size, n=n)


async def test_a_picture_comes_as_it_was_sent(connect: Connect) -> None:
    async with peer(replying(made(base64_of(PNG)))) as api:
        pictures = await draw(connect(api.base_url), size="1024x1024")

    assert pictures == [GeneratedImage(PNG, "image/png", 40, 30)]
    assert api.requests[0].line == "POST /v1/images/generations HTTP/1.1"
    assert api.requests[0].json == {"model": "dall-e-3", "prompt": "a cat", "size": "1024x1024"}


async def test_more_than_one_picture_is_asked_for_and_no_more_are_taken(connect: Connect) -> None:
    async with peer(replying(made(*[base64_of(PNG)] * 5))) as api:
        pictures = await draw(connect(api.base_url), n=3)

    assert len(pictures) == 3
    assert api.requests[0].json == {"model": "dall-e-3", "prompt": "a cat", "n": 3}


KINDS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}


@pytest.mark.parametrize(("kind", "media_type"), KINDS.items(), ids=KINDS)
async def test_a_picture_is_told_by_its_content(connect: Connect, kind: str, media_type: str) -> None:
    async with peer(replying(made(base64_of(picture(9, 7, kind=kind), "data:image/bmp;base64,")))) as api:
        [got] = await draw(connect(api.base_url))

    assert (got.media_type, got.width, got.height) == (media_type, 9, 7)


NO_PICTURES = {
    "text": base64_of(b"hello"),
    "a page": base64_of(b"<html></html>"),
    "SVG": base64_of(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    "BMP": base64_of(picture(4, 4, kind="BMP")),
    "only the beginning of a PNG": base64_of(b"\x89PNG\r\n\x1a\n"),
    "half a PNG": base64_of(picture(64, 64, noise=True)[:6000]),
    "half a JPEG": base64_of(picture(64, 64, kind="JPEG", noise=True)[:1500]),
    "half a WebP": base64_of(picture(64, 64, kind="WEBP", noise=True)[:900]),
    "half a GIF": base64_of(picture(64, 64, kind="GIF", noise=True)[:900]),
    "no base64": {"b64_json": "a"},
    "empty base64": {"b64_json": ""},
    "not text": {"b64_json": 7, "url": ["http://example.com"]},
    "no entry": None,
    "neither": {"revised_prompt": "a cat"},
    "a file on this machine": {"url": "file:///etc/hostname"},
    "no address": {"url": "http://"},
    "another protocol": {"url": "ftp://127.0.0.1/cat.png"},
    "a long address": {"url": "http://127.0.0.1/" + "a" * 9000},
    "an empty label": {"url": "http://a..b/"},
    "a long label": {"url": f"http://{'a' * 64}.example/"},
    "a long name": {"url": f"http://{'a.' * 127}example/"},
    "no punycode": {"url": "http://xn--a.com/"},
    "no IPv6": {"url": "http://[::1"},
    "no port": {"url": "http://a:99999999/"},
    "a port of letters": {"url": "http://a:b/"},
    "a port of many digits": {"url": "http://a:" + "9" * 5000},
    "half a surrogate pair": {"url": "http://a/\udc80"},
    "a host of blanks": {"url": "http:// /"},
    "a host with a zero byte": {"url": "http://a\0.com/"},
    "a host with a line end": {"url": "http://a\r\nb/"},
    "text in place of an entry": "cat",
    "a number in place of an entry": 7,
    "a number without end": {"b64_json": 1, "seed": 10**4000},
}


@pytest.mark.parametrize("entry", NO_PICTURES.values(), ids=NO_PICTURES)
async def test_what_is_no_picture_is_a_broken_answer_whatever_the_status(connect: Connect, entry: object) -> None:
    async with peer(replying(made(entry))) as api:
        with pytest.raises(InvalidApiResponse):
            await draw(connect(api.base_url))

    assert len(api.requests) == 1


@pytest.mark.parametrize("entry", NO_PICTURES.values(), ids=NO_PICTURES)
async def test_a_bad_picture_does_not_take_a_good_one_with_it(connect: Connect, entry: object) -> None:
    async with peer(replying(made(entry, base64_of(PNG)))) as api:
        pictures = await draw(connect(api.base_url), n=2)

    assert [got.data for got in pictures] == [PNG]


ENCODED = base64.b64encode(PADDED).decode()
WAYS_TO_WRITE_IT = {
    "without padding": ENCODED.rstrip("="),
    "the alphabet for addresses": ENCODED.replace("+", "-").replace("/", "_"),
    "that, without padding": ENCODED.replace("+", "-").replace("/", "_").rstrip("="),
    "with too much padding": ENCODED + "==",
    "in lines": "\r\n".join(ENCODED[at : at + 76] for at in range(0, len(ENCODED), 76)) + "\n",
    "in lines, without padding": "\n ".join(ENCODED[at : at + 77] for at in range(0, len(ENCODED), 77)).rstrip("="),
    "a data address": f"data:image/png;base64,{ENCODED}",
    "the rest of a data address": f"image/png;base64,{ENCODED}",
    "the end of a data address": f"base64,{ENCODED}",
    "in quotes": f'"{ENCODED}"',
    "a data address in capitals": f" DATA:image/png;BASE64,{ENCODED}",
    "a data address with escapes": "data:;base64," + quote(ENCODED, safe=""),
    "a data address without padding": f"data:image/png;base64,{ENCODED}".rstrip("="),
}


@pytest.mark.parametrize("text", WAYS_TO_WRITE_IT.values(), ids=WAYS_TO_WRITE_IT)
async def test_base64_is_read_however_it_is_written(connect: Connect, text: str) -> None:
    assert {"+", "/", "="} <= set(ENCODED)
    async with peer(replying(made({"b64_json": text}))) as api:
        [got] = await draw(connect(api.base_url))

    assert got.data == PADDED


@pytest.mark.parametrize("name", [name for name in WAYS_TO_WRITE_IT if name.startswith("a data address")])
async def test_an_address_may_hold_the_picture_itself(connect: Connect, name: str) -> None:
    async with peer(replying(made({"url": WAYS_TO_WRITE_IT[name]}))) as api:
        [got] = await draw(connect(api.base_url))

    assert got.data == PADDED


async def test_an_address_does_where_what_stands_beside_it_is_no_picture(connect: Connect) -> None:
    async with peer(replying(PNG)) as store:
        both = {"b64_json": "a", "url": f"{store.base_url}/cat.png"}
        async with peer(replying(made(both))) as api:
            [got] = await draw(connect(api.base_url))

    assert got.data == PNG


REFUSALS = {
    "beside an empty list": {"data": [], "message": "I'm sorry, but I can't help with that request."},
    "in an output": {
        "data": [],
        "output": [{"content": [{"type": "output_text", "text": "I can’t create that image."}]}],
    },
    "in a choice": {"data": [], "choices": [{"message": {"content": "This violates our content policy."}}]},
    "in an entry": {"data": [{"b64_json": None, "revised_prompt": "Unable to generate images of real people."}]},
    "without a list": {"text": "Your prompt was rejected by the safety system."},
    "in Chinese": {"data": [], "msg": "抱歉，无法生成该图片"},
}


@pytest.mark.parametrize("answer", REFUSALS.values(), ids=REFUSALS)
async def test_a_refusal_in_words_is_told_as_such(connect: Connect, answer: Json) -> None:
    async with peer(replying(answer)) as api:
        with pytest.raises(ContentRefused):
            await draw(connect(api.base_url))

    assert len(api.requests) == 1


@pytest.mark.parametrize("words", ["", "ok", "queued", "Here is your picture of a cat."])
async def test_other_words_are_no_refusal(connect: Connect, words: str) -> None:
    async with peer(replying({"data": [], "message": words})) as api:
        with pytest.raises(InvalidApiResponse):
            await draw(connect(api.base_url))


async def test_an_answer_nested_without_end_is_broken(connect: Connect) -> None:
    async with peer(replying(b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")) as api:
        with pytest.raises(InvalidApiResponse):
            await draw(connect(api.base_url))


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is Linux's")
async def test_an_answer_of_millions_of_values_takes_no_memory_of_the_bot(connect: Connect) -> None:
    async with peer(replying('{"data":[' + "0," * 8_000_000 + "0]}")) as api:
        with pytest.raises(InvalidApiResponse, match="memory"):
            await draw(connect(api.base_url))


async def test_odd_figures_beside_a_picture_change_nothing(connect: Connect) -> None:
    figures = {"created": 2**64, "usage": {"total_tokens": 10**4000}, "size": -1, "background": 1e308}
    async with peer(replying(made(base64_of(PNG) | {"seed": 10**4000}) | figures)) as api:
        [got] = await draw(connect(api.base_url))

    assert got.data == PNG


BROKEN = {
    "no list": replying({"created": 1}),
    "an empty list": replying(made()),
    "a list of text": replying({"data": ["cat"]}),
    "a page": replying("<html></html>"),
    "nothing": replying(b""),
    "half of it": writing(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", b'{"data": ['),
    "a stream": chunked(delta("a cat")),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
async def test_an_answer_without_pictures_is_broken_and_not_tried_again(connect: Connect, answer: Answer) -> None:
    async with peer(answer) as api:
        with pytest.raises(InvalidApiResponse):
            await draw(connect(api.base_url))

    assert len(api.requests) == 1


async def test_a_refused_prompt_is_told_as_such(connect: Connect) -> None:
    refused = {"error": {"code": "moderation_blocked", "message": "MARKER"}}
    async with peer(replying(refused, status=400)) as api:
        with pytest.raises(ContentRefused) as caught:
            await draw(connect(api.base_url))

    assert str(caught.value) == "images: 400 moderation_blocked"


@pytest.mark.parametrize(("answer", "error"), [(replying(status=503), ApiServerError), (writing(b""), ApiUnreachable)])
async def test_drawing_is_tried_again_when_nothing_came(
    connect: Connect, answer: Answer, error: type[ApiError]
) -> None:
    async with peer(answer) as api:
        with pytest.raises(error):
            await draw(connect(api.base_url))

    assert len(api.requests) == 3


async def test_a_body_over_its_bound_is_not_read_on(connect: Connect) -> None:
    async with peer(replying(made(base64_of(bytes(300_000))))) as api:
        with pytest.raises(InvalidApiResponse):
            await draw(connect(api.base_url, limits=CallLimits(images_bytes=100_000)))


async def test_a_picture_over_its_bound_in_bytes_is_not_decoded(connect: Connect) -> None:
    async with peer(replying(made(base64_of(picture(64, 64, noise=True))))) as api:
        with pytest.raises(InvalidApiResponse, match="characters of base64"):
            await draw(connect(api.base_url, limits=CallLimits(image_bytes=1000)))


async def test_a_picture_over_its_bound_in_pixels_is_not_decoded(connect: Connect) -> None:
    async with peer(replying(made(base64_of(picture(9000, 6000, mode="1"))))) as api:
        with pytest.raises(InvalidApiResponse, match="9000×6000"):
            await draw(connect(api.base_url))


@pytest.mark.parametrize("side", [10_000, 20_000], ids=["warned of", "refused"])
def test_a_picture_that_the_library_itself_fears_is_a_broken_answer(side: int) -> None:
    bomb = picture(side, side, mode="1")

    with pytest.raises(InvalidApiResponse):
        validate_image(bomb, MAX_PIXELS)


async def test_a_painter_gets_three_minutes(connect: Connect) -> None:
    clock = FakeClock()
    async with peer(hanging) as api:
        drawing = asyncio.ensure_future(draw(connect(api.base_url, clock=clock)))
        await asyncio.wait_for(api.arrived.wait(), DEADLINE_S)
        waited_s = await pass_until(clock, drawing)

    assert isinstance(drawing.exception(), ApiTimeout)
    assert waited_s == pytest.approx(180, abs=5)


async def test_a_picture_may_be_fetched_from_an_address_beside_a_private_api(connect: Connect) -> None:
    async with peer(replying(PNG, content_type="text/plain")) as store:
        address = store.base_url.replace("http://", "http://user:word@") + "/cat.png?sig=1"
        async with peer(replying(made({"b64_json": None, "url": address}))) as api:
            [got] = await draw(connect(api.base_url))

    assert got.data == PNG
    assert store.requests[0].line == "GET /v1/cat.png?sig=1 HTTP/1.1"
    assert "authorization" not in store.requests[0].headers
    assert KEY not in str(store.requests[0])


FETCHES = {
    "not there": replying(status=404),
    "a page": replying("<html></html>"),
    "redirect to a file": replying(status=302, Location="file:///etc/hostname"),
    "redirect to nowhere": replying(status=302),
    "redirect to no IPv6": replying(status=302, Location="http://[::1"),
    "redirect to no port": replying(status=302, Location="http://a:99999999/"),
    "redirect to no port of the same scheme": replying(status=302, Location="//127.0.0.1:99999/"),
    "redirect to an empty label": replying(status=302, Location="http://a..b/"),
    "redirect to bytes": writing(b"HTTP/1.1 302 Found\r\nLocation: http://\xff\x80/\r\nContent-Length: 0\r\n\r\n"),
    "redirects without end": replying(status=302, Location="/again"),
    "redirect to a cloud's credentials": replying(status=302, Location="http://169.254.169.254/latest/"),
    "half of it": writing(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", PNG),
    "nobody there": writing(b""),
    "too much": replying(bytes(60_000)),
}


@pytest.mark.parametrize("answer", FETCHES.values(), ids=FETCHES)
async def test_an_address_without_a_picture_is_a_broken_answer(connect: Connect, answer: Answer) -> None:
    async with peer(answer) as store, peer(replying(made({"url": store.base_url + "/cat.png"}))) as api:
        with pytest.raises(InvalidApiResponse):
            await draw(connect(api.base_url, limits=CallLimits(image_bytes=50_000)))

    assert len(store.requests) <= 4


async def test_a_redirect_to_a_picture_is_followed(connect: Connect) -> None:
    async with (
        peer(replying(status=302, Location="/v1/here.png"), replying(PNG)) as store,
        peer(replying(made({"url": store.base_url + "/cat.png"}))) as api,
    ):
        [got] = await draw(connect(api.base_url))

    assert got.data == PNG
    assert store.requests[1].line == "GET /v1/here.png HTTP/1.1"


async def test_a_silent_picture_store_does_not_hold_up_the_drawing_for_ever(connect: Connect) -> None:
    clock = FakeClock()
    async with peer(hanging) as store, peer(replying(made({"url": store.base_url}))) as api:
        drawing = asyncio.ensure_future(draw(connect(api.base_url, clock=clock)))
        await asyncio.wait_for(store.arrived.wait(), DEADLINE_S)
        await pass_until(clock, drawing)

        assert isinstance(drawing.exception(), InvalidApiResponse)
        await asyncio.wait_for(store.closed.wait(), DEADLINE_S)


def test_a_picture_does_not_spill_its_bytes_into_a_log() -> None:
    assert repr(GeneratedImage(b"MARKER", "image/png", 2, 3)) == "GeneratedImage(image/png, 2×3, 6 bytes)"
