"""What may be asked for."""

import pytest

from bot.errors import InvalidOption
from bot.images.generation import ImageRequest, list_sizes
from bot.messages.render import render


@pytest.mark.parametrize(
    ("model", "sizes"),
    [
        ("dall-e-3", ("1024x1024", "1792x1024", "1024x1792")),
        ("openai/DALL-E-3", ("1024x1024", "1792x1024", "1024x1792")),
        ("dall-e-2", ("256x256", "512x512", "1024x1024")),
        ("gpt-image-1-mini", ("1024x1024", "1536x1024", "1024x1536", "auto")),
        ("flux-schnell", ()),
    ],
)
def test_sizes_are_offered_for_models_that_are_known(model: str, sizes: tuple[str, ...]) -> None:
    assert list_sizes(model) == sizes


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        (None, None),
        ("  ", None),
        ("1024x1024", "1024x1024"),
        (" 1024 X 768 ", "1024x768"),
        ("640×480", "640x480"),
        ("Auto", "auto"),
        ("16:9", "16:9"),
        ("2K", "2K"),
    ],
)
def test_a_size_is_sent_in_the_form_of_the_api(typed: str | None, sent: str | None) -> None:
    assert ImageRequest("a cat", "some-model", size=typed).normalize().size == sent


@pytest.mark.parametrize("typed", ["huge!", "1x1", "1024x", "1024 by 1024", "100000x100000", '"}', "x" * 40])
def test_an_unreadable_size_is_refused_with_those_that_would_do(typed: str) -> None:
    with pytest.raises(InvalidOption) as refused:
        ImageRequest("a cat", "dall-e-3", size=typed).normalize()
    assert "`1792x1024`" in render(refused.value.message)


@pytest.mark.parametrize("n", [0, -1, 5])
def test_only_one_to_four_pictures_are_drawn(n: int) -> None:
    with pytest.raises(InvalidOption, match="bad n") as refused:
        ImageRequest("a cat", "dall-e-3", n=n).normalize()
    assert "1 to 4" in render(refused.value.message)


def test_a_prompt_needs_words() -> None:
    with pytest.raises(InvalidOption):
        ImageRequest(" \n", "dall-e-3").normalize()
    assert ImageRequest("  a cat ", "dall-e-3").normalize().prompt == "a cat"


def test_models_that_take_one_picture_a_request_are_known() -> None:
    assert ImageRequest("a cat", "dall-e-3").takes_one_image
    assert ImageRequest("a cat", "openai/dall-e-3").takes_one_image
    assert not ImageRequest("a cat", "gpt-image-1").takes_one_image
