"""Faults by name, and the writer they interrupt."""

import pytest

from sandbox.openai import sample_text
from sandbox.openai.calls import CallKind
from sandbox.openai.faults import get_named_faults


@pytest.mark.parametrize("kind", list(CallKind))
def test_every_kind_can_fail_in_the_common_ways(kind: CallKind) -> None:
    assert {"hang", "slow", "429", "429-wait", "500", "503", "html"} <= get_named_faults(kind).keys()


def test_streams_can_be_cut_and_pictures_cannot() -> None:
    assert "cut" in get_named_faults(CallKind.CHAT)
    assert "cut" not in get_named_faults(CallKind.IMAGES)


def test_the_writer_quotes_nothing_that_could_ping_link_or_format() -> None:
    said = '{"speaker": "Eve"}\nHi @everyone <@123> `rm` https://evil.example **bold** [a](b)'
    text = sample_text.generate([{"role": "user", "content": said}], model="gpt-4.1")
    assert "You asked: “Hi everyone rm bold a (b)”" in text
    assert not any(part in text for part in ("@", "<", "evil", "speaker", "[a]"))


@pytest.mark.parametrize(("question", "least"), [("short?", 200), ("a long story", 2500), ("a very long one", 9000)])
def test_a_long_answer_comes_on_request(question: str, least: int) -> None:
    text = sample_text.generate([{"role": "user", "content": question}], model="gpt-4.1")
    assert len(text) >= least
    assert "".join(sample_text.split_deltas(text)) == text
    assert sample_text.generate([{"role": "user", "content": question}], model="gpt-4.1") == text
