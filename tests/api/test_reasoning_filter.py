import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.api.reasoning_filter import ReasoningFilter


def part(*deltas: str) -> tuple[str, str]:
    """Give all thoughts and all words of an answer that comes in `deltas`."""
    thinking = ReasoningFilter()
    parts = [*(thinking.feed(delta) for delta in deltas), thinking.close()]
    return "".join(thoughts for thoughts, _ in parts), "".join(words for _, words in parts)


ABOUT = "It is <think>…</think>, not <think> or </think>."
ANSWERS = {
    "no thoughts": ("Hello", "", "Hello"),
    "thoughts first": ("<think>Hm.</think>\n\nHello", "Hm.", "Hello"),
    "white space before": ("\n <think>Hm.</think>Hello", "Hm.", "Hello"),
    "no thoughts in the tag": ("<think></think>Hello", "", "Hello"),
    "never closed": ("<think>Hm. </thi", "Hm. </thi", ""),
    "only begun": ("<thi", "", "<thi"),
    "only begun after thoughts": ("<think>Hm.</think>\n<thi", "Hm.", "<thi"),
    "only blanks after a tag in a line": ("It is <think>  \n </think>.", "", "It is <think>  \n </think>."),
    "another tag": ("<thing> is", "", "<thing> is"),
    "white space only": (" \n", "", " \n"),
    "less-than in thoughts": ("<think>a < b </b></think>c", "a < b </b>", "c"),
    "the longer tag": ("<thinking>Hm.</thinking>\nHello", "Hm.", "Hello"),
    "upper case and space": ("< THINK >Hm.</ Think >\nHello", "Hm.", "Hello"),
    "twice at the head": ("<think>a</think>\n<think>b</think>\nc", "ab", "c"),
    "between paragraphs": ("One.\n\n<think>Hm.</think>\n\nTwo.", "Hm.", "One.\n\nTwo."),
    "between lines, cut off": ("One.\n<think>Hm. And", "Hm. And", "One.\n"),
    "in a line": ("Use<think>Hm.\nHm.</think> this.", "Hm.\nHm.", "Use this."),
    "in a line, cut off": ("The <think> tag.\nAnd more.", "", "The <think> tag.\nAnd more."),
    "written about": (ABOUT, "", ABOUT),
    "nested": ("<think>a <think>b</think> c</think>d", "a <think>b</think> c", "d"),
    "written about in thoughts": (
        "<think>The <think> tag…</think>\nIs a tag.",
        "The <think> tag…</think>",
        "Is a tag.",
    ),
    "begun before the answer": ("Hm.\n</think>\n\nHello", "", "Hm.\nHello"),
    "in a fence": ("```\n<think>a</think>\n```\n<think>b</think>\nc", "b", "```\n<think>a</think>\n```\nc"),
    "in a fence in a list": ("- ```\n  <think>\n<think>b</think>c", "b", "- ```\n  <think>\nc"),
    "after a quoted fence": ("> ```\r\n> a\r\n<think>b</think>c", "b", "> ```\r\n> a\r\nc"),
    "in a code span": ("Use `<think>a</think>` so.", "", "Use `<think>a</think>` so."),
    "after a code span": ("Use `this`<think>a</think> so.", "a", "Use `this` so."),
}


@pytest.mark.parametrize(("answer", "thoughts", "words"), ANSWERS.values(), ids=ANSWERS)
def test_thoughts_are_parted_from_the_words_wherever_the_deltas_are_cut(answer: str, thoughts: str, words: str) -> None:
    assert part(answer) == (thoughts, words)
    assert part(*answer) == (thoughts, words)
    for cut in range(len(answer)):
        assert part(answer[:cut], answer[cut:]) == (thoughts, words)


def test_words_are_given_out_as_soon_as_they_cannot_be_a_tag() -> None:
    thinking = ReasoningFilter()

    assert thinking.feed("H") == ("", "H")
    assert thinking.feed("i <th") == ("", "i ")
    assert thinking.feed("e>") == ("", "<the>")


def test_thoughts_are_given_out_as_they_come() -> None:
    thinking = ReasoningFilter()

    assert thinking.feed("<think>H") == ("H", "")
    assert thinking.feed("m. </th") == ("m. ", "")
    assert thinking.feed("ink>Yes") == ("", "Yes")


SHARDS = st.sampled_from(["<think>", "</think>", "<Thinking >", "<", ">", "`", "```", "\n", "\r", "> ", "- ", " ", "a"])


@given(st.lists(SHARDS, max_size=30))
def test_any_answer_is_parted_the_same_wherever_it_is_cut(shards: list[str]) -> None:
    assert part("".join(shards)) == part(*shards) == part(*"".join(shards))


@given(st.lists(SHARDS.filter(lambda shard: "h" not in shard), max_size=30).map("".join))
def test_an_answer_without_the_tag_comes_through_untouched(answer: str) -> None:
    assert part(*answer) == ("", answer)
