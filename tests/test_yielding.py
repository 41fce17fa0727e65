"""Long texts are worked through in slices, with room for others in between."""

from bot.yielding import SLICE, slices
from tests.support.others import others


async def test_others_run_between_two_slices_and_nothing_is_lost() -> None:
    text = "".join(map(chr, range(33, 33 + 3 * SLICE + 1)))
    seen, turns_before = [], []
    async with others() as turns:
        async for piece in slices(text):
            seen.append(piece)
            turns_before.append(turns())
    assert "".join(seen) == text
    assert [len(piece) for piece in seen] == [SLICE, SLICE, SLICE, 1]
    assert turns_before == [0, 1, 2, 3]


async def test_of_an_empty_text_there_is_nothing() -> None:
    assert [piece async for piece in slices("")] == []
