import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.api.thinking import ThinkingFilter


def part(*deltas: str) -> tuple[str, str]:
    """Give all thoughts and all words of an answer that comes in `deltas`."""
    thinking = ThinkingFilter()
    parts = [*(thinking.feed(delta) for delta in deltas), thinking.close()]
    return "".join(thoughts for thoughts, _ in parts), "".join(words for _, words in parts)


ANSWERS = {
    "no thoughts": ("Hello", "", "Hello"),
    "thoughts first": ("<think>Hm.</think>\n\nHello", "Hm.", "Hello"),
    "white space before": ("\n <think>Hm.</think>Hello", "Hm.", "Hello"),
    "no thoughts in the tag": ("<think></think>Hello", "", "Hello"),
    "a tag to write about": ("Use <think>x</think> so.", "", "Use <think>x</think> so."),
    "a second tag": ("<think>a</think>b <think>c</think>", "a", "b <think>c</think>"),
    "never closed": ("<think>Hm. </thi", "Hm. </thi", ""),
    "only begun": ("<thi", "", "<thi"),
    "another tag": ("<thing> is", "", "<thing> is"),
    "white space only": (" \n", "", " \n"),
    "less-than in thoughts": ("<think>a < b </b></think>c", "a < b </b>", "c"),
}


@pytest.mark.parametrize(("answer", "thoughts", "words"), ANSWERS.values(), ids=ANSWERS)
def test_thoughts_at_the_head_are_parted_from_the_words(answer, thoughts, words):
    assert part(answer) == (thoughts, words)
    assert part(*answer) in [(thoughts, words), (thoughts, "\n\n" + words)]


def test_words_are_given_out_as_soon_as_they_cannot_be_a_tag():
    thinking = ThinkingFilter()

    assert thinking.feed("H") == ("", "H")
    assert thinking.feed("<think>") == ("", "<think>")


@given(st.text(alphabet="<think/> a", max_size=40))
def test_an_answer_that_does_not_begin_with_the_tag_comes_through_untouched(text):
    answer = "x" + text

    assert part(*answer) == ("", answer)
