"""Answers of models from the API's deltas to what stands in Discord, judged by what GitHub would show of them."""

import pytest

from bot.api.reasoning_filter import ReasoningFilter
from bot.markdown.renderer import render_markdown
from bot.messages import answers
from bot.messages.render import render
from bot.streaming.pages import MAX_MESSAGES, Pages
from tests.support.markdown_oracle import has_open_fence, misaligned, missing_words
from tests.support.markdown_samples import pieces
from tests.support.model_answers import SECRET, model_answer

LOOKS = 8
"""So many times somebody looks while an answer grows."""


@pytest.mark.parametrize("fifty", range(10))
def test_all_words_of_an_answer_show_and_no_thought(fifty: int) -> None:
    for seed in range(fifty * 50, fifty * 50 + 50):
        thinking, pages = ReasoningFilter(), Pages()
        deltas = list(pieces(model_answer(seed), seed))
        for number, delta in enumerate(deltas):
            _, words = thinking.feed(delta)
            pages.add(words)
            if number % (len(deltas) // LOOKS + 1) == 0:
                _check([page.text for page in pages.build_preview()[-1:]], seed)
        pages.add(thinking.close()[1])
        texts = [page.text for page in pages.build_final()]
        whole = render_markdown(pages.text)
        assert texts == (
            whole if len(whole) <= MAX_MESSAGES else [*whole[: MAX_MESSAGES - 1], render(answers.whole_in_file())]
        ), seed
        _check(whole, seed)
        assert missing_words(whole, pages.text) is None, seed
        assert SECRET not in pages.text, seed


def _check(texts: list[str], seed: int) -> None:
    for text in texts:
        assert len(text) <= 2000, seed
        assert SECRET not in text, seed
        assert not has_open_fence(text), seed
        assert misaligned(text) is None, seed
