"""Which models are offered, and which may be used."""

import pytest

from bot.catalogue import Catalogue, Kinds, ModelKind, Policy
from bot.clock import SystemClock
from bot.errors import ModelNotAllowed, Unreachable

DEFAULTS = {ModelKind.CHAT: "gpt-4.1", ModelKind.SPEECH: "tts-1", ModelKind.IMAGE: "dall-e-3"}
LISTED = ["gpt-4.1", "gpt-4.1-mini", "o3", "tts-1", "tts-1-hd", "dall-e-3", "gpt-image-1", "whisper-1"]


async def catalogue(*allowed: str, kinds: Kinds | None = None, listed: list[str] | None = None) -> Catalogue:
    async def list_models() -> list[str]:
        return LISTED if listed is None else listed

    made = Catalogue(list_models, Policy(kinds or Kinds(), allowed, DEFAULTS), SystemClock())
    assert await made.refresh()
    return made


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("gpt-4.1", ModelKind.CHAT),
        ("claude-sonnet-4", ModelKind.CHAT),
        ("tts-1-hd", ModelKind.SPEECH),
        ("gpt-4o-mini-tts", ModelKind.SPEECH),
        ("dall-e-3", ModelKind.IMAGE),
        ("gpt-image-1", ModelKind.IMAGE),
        ("black-forest-labs/FLUX.1-schnell", ModelKind.IMAGE),
        ("text-embedding-3-small", None),
        ("whisper-1", None),
    ],
)
def test_a_kind_is_told_from_the_name(model: str, kind: ModelKind | None) -> None:
    assert Kinds().of(model) is kind


def test_the_operator_knows_better() -> None:
    assert Kinds(image=["my-painter*"]).of("my-painter-2") is ModelKind.IMAGE


async def test_models_are_offered_by_kind_and_found_anywhere_in_the_name() -> None:
    made = await catalogue()
    assert made.choices(ModelKind.CHAT, "MINI") == ["gpt-4.1-mini"]
    assert made.choices(ModelKind.SPEECH) == ["tts-1", "tts-1-hd"]
    assert "whisper-1" not in [name for kind in ModelKind for name in made.choices(kind)]


async def test_what_begins_with_the_search_comes_first() -> None:
    made = await catalogue(listed=["a-gpt", "gpt-4.1", "gpt-2"])
    assert made.choices(ModelKind.CHAT, "gpt") == ["gpt-2", "gpt-4.1", "a-gpt"]


@pytest.mark.parametrize(
    ("model", "kind"),
    [("o3", ModelKind.CHAT), ("dall-e-3", ModelKind.CHAT), ("gpt-4.1-bogus", ModelKind.SPEECH)],
    ids=["not on the list", "of another kind", "neither"],
)
async def test_what_is_not_allowed_is_refused(model: str, kind: ModelKind) -> None:
    made = await catalogue("gpt-4.1*")
    with pytest.raises(ModelNotAllowed) as caught:
        made.check(model, kind)
    assert "/models" in caught.value.sentence


async def test_unset_allows_what_the_api_lists() -> None:
    made = await catalogue()
    assert made.permits("o3", ModelKind.CHAT)
    assert not made.permits("made-up", ModelKind.CHAT)


async def test_the_operators_own_model_is_always_allowed() -> None:
    made = await catalogue("gpt-4.1*")
    assert made.permits("dall-e-3", ModelKind.IMAGE)


async def test_without_a_list_the_operators_models_are_offered() -> None:
    async def unreachable() -> list[str]:
        raise Unreachable

    made = Catalogue(unreachable, Policy(Kinds(), ["o3", "gpt-*"], DEFAULTS), SystemClock())
    assert not await made.refresh()
    assert made.choices(ModelKind.CHAT) == ["gpt-4.1", "o3"]


async def test_a_failed_refresh_keeps_the_old_list() -> None:
    answers: list[list[str] | Unreachable] = [["o3"], Unreachable()]

    async def list_models() -> list[str]:
        answer = answers.pop(0)
        if isinstance(answer, Unreachable):
            raise answer
        return answer

    made = Catalogue(list_models, Policy(Kinds(), (), DEFAULTS), SystemClock())
    assert [await made.refresh(), await made.refresh()] == [True, False]
    assert made.permits("o3", ModelKind.CHAT)
