"""Which models are offered, and which may be used."""

import pytest

from bot.clock import SystemClock
from bot.errors import ApiUnreachable, ModelNotAllowed
from bot.messages.render import render
from bot.model_catalog import RETRY_S, ModelAllowlist, ModelCatalog, ModelKind, ModelKinds
from tests.support.clock import FakeClock

DEFAULTS = {ModelKind.CHAT: "gpt-4.1", ModelKind.SPEECH: "tts-1", ModelKind.IMAGE: "dall-e-3"}
LISTED = ["gpt-4.1", "gpt-4.1-mini", "o3", "tts-1", "tts-1-hd", "dall-e-3", "gpt-image-1", "whisper-1"]


async def catalogue(*allowed: str, kinds: ModelKinds | None = None, listed: list[str] | None = None) -> ModelCatalog:
    async def list_models() -> list[str]:
        return LISTED if listed is None else listed

    made = ModelCatalog(list_models, ModelAllowlist(kinds or ModelKinds(), allowed, DEFAULTS), SystemClock())
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
    assert ModelKinds().get_kind(model) is kind


def test_the_operator_knows_better() -> None:
    assert ModelKinds(image=["my-painter*"]).get_kind("my-painter-2") is ModelKind.IMAGE


async def test_models_are_offered_by_kind_and_found_anywhere_in_the_name() -> None:
    made = await catalogue()
    assert made.list_choices(ModelKind.CHAT, "MINI") == ["gpt-4.1-mini"]
    assert made.list_choices(ModelKind.SPEECH) == ["tts-1", "tts-1-hd"]
    assert "whisper-1" not in [name for kind in ModelKind for name in made.list_choices(kind)]


async def test_what_begins_with_the_search_comes_first() -> None:
    made = await catalogue(listed=["a-gpt", "gpt-4.1", "gpt-2"])
    assert made.list_choices(ModelKind.CHAT, "gpt") == ["gpt-2", "gpt-4.1", "a-gpt"]


async def test_the_list_is_fetched_again_after_any_fault_at_all(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[list[str] | Exception] = [OverflowError("date value out of range"), KeyError("data"), LISTED]

    async def list_models() -> list[str]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    clock = FakeClock()
    made = ModelCatalog(list_models, ModelAllowlist(ModelKinds(), (), DEFAULTS), clock)
    async with made.running():
        await clock.advance(3 * RETRY_S)
    assert not answers
    assert made.allows("o3", ModelKind.CHAT)
    assert [each.message for each in caplog.records if each.levelname == "ERROR"] == ["model list refresh failed"] * 2


@pytest.mark.parametrize(
    ("model", "kind"),
    [("o3", ModelKind.CHAT), ("dall-e-3", ModelKind.CHAT), ("gpt-4.1-bogus", ModelKind.SPEECH)],
    ids=["not on the list", "of another kind", "neither"],
)
async def test_what_is_not_allowed_is_refused(model: str, kind: ModelKind) -> None:
    made = await catalogue("gpt-4.1*")
    with pytest.raises(ModelNotAllowed) as caught:
        made.check(model, kind)
    assert "/models" in render(caught.value.message)


async def test_unset_allows_what_the_api_lists() -> None:
    made = await catalogue()
    assert made.allows("o3", ModelKind.CHAT)
    assert not made.allows("made-up", ModelKind.CHAT)


@pytest.mark.parametrize(("allowed", "may"), [((), False), (("o3",), True), (("o*",), True)])
async def test_until_the_list_is_there_only_the_operators_models_may_be_chosen(
    allowed: tuple[str, ...], may: bool
) -> None:
    made = ModelCatalog(unreachable, ModelAllowlist(ModelKinds(), allowed, DEFAULTS), SystemClock())
    assert not await made.refresh()
    assert made.allows("gpt-4.1", ModelKind.CHAT)
    assert made.allows("o3", ModelKind.CHAT) is may
    assert made.still_allows("o3", ModelKind.CHAT)


@pytest.mark.parametrize("name", ["o3\n", "o3 forged=1", "o3\x1b[31m", "ｏ3", "", "o" * 101, "o3\u202e"])
@pytest.mark.parametrize("allowed", [(), ("*",)])
async def test_a_name_of_another_shape_is_never_permitted(name: str, allowed: tuple[str, ...]) -> None:
    made = await catalogue(*allowed, listed=[name])
    assert not made.allows(name, ModelKind.CHAT)
    assert not made.still_allows(name, ModelKind.CHAT)
    assert name not in made.list_choices(ModelKind.CHAT)


async def unreachable() -> list[str]:
    raise ApiUnreachable


async def test_the_operators_own_model_is_always_allowed() -> None:
    made = await catalogue("gpt-4.1*")
    assert made.allows("dall-e-3", ModelKind.IMAGE)


async def test_without_a_list_the_operators_models_are_offered() -> None:
    made = ModelCatalog(unreachable, ModelAllowlist(ModelKinds(), ["o3", "gpt-*"], DEFAULTS), SystemClock())
    assert not await made.refresh()
    assert made.list_choices(ModelKind.CHAT) == ["gpt-4.1", "o3"]


async def test_a_failed_refresh_keeps_the_old_list() -> None:
    answers: list[list[str] | ApiUnreachable] = [["o3"], ApiUnreachable()]

    async def list_models() -> list[str]:
        answer = answers.pop(0)
        if isinstance(answer, ApiUnreachable):
            raise answer
        return answer

    made = ModelCatalog(list_models, ModelAllowlist(ModelKinds(), (), DEFAULTS), SystemClock())
    assert [await made.refresh(), await made.refresh()] == [True, False]
    assert made.allows("o3", ModelKind.CHAT)
