"""Canned text in place of a language model's: seeded, varied markdown.

It quotes earlier questions, so that an answer shows which history was sent.
"""

import random
import re
from collections.abc import Sequence

from sandbox.json_object import Json

QUOTE_CHARACTERS = 80
"""The characters of a question that are quoted."""

_STEP = re.compile(r"\s+|\S{1,5}")
_LINK = re.compile(r"https?://\S+|www\.\S+")
_TAG = re.compile(r"<[^<>]{0,200}>")
_LABEL = re.compile(r"\A\{[^\n]*\}\n")  # the bot puts the author as JSON on the first line
_UNSAFE = re.compile(r"[^\w\s.,;!?'’%()-]")

_OPENINGS = (
    "Hello from the sandbox! No model is running here, so this text is canned, but it streams like the real thing.",
    "This is the sandbox speaking: a canned answer, written without a model.",
    "Greetings from the sandbox. What follows was put together from a box of ready sentences.",
)
_THOUGHTS = (
    "A good question is half of the answer, and the other half is usually a cup of tea.",
    "Start with what you **know**, write it down, and the gap in the middle shows its *shape*.",
    "Most things get simpler once they are drawn on paper, and most papers get simpler once they are read aloud.",
    "Whenever two explanations fit, take the one that you could tell a friend on a walk.",
    "It helps to change one thing at a time; those who change two learn nothing about either.",
    "The tide comes in twice a day, and so does the wish to tidy up. Both can be relied on.",
    "Small steps that you can check beat one large leap that you cannot.",
    "A lighthouse does not run along the shore looking for boats to save; it stands there, shining.",
)
_STEPS = (
    "Write the question on a card and put it where you can see it.",
    "Try the smallest version that could possibly work.",
    "Ask someone who was there the last time.",
    "Keep what helped, and thank the rest.",
    "Measure before and after; memory flatters.",
    "Leave a note for the one who comes next.",
)
_HEADINGS = ("Where it begins", "What people forget", "A closer look", "The other side", "In practice", "And then")
_CODE = (
    '```python\ndef greet(name: str) -> str:\n    """Say hello, the way the sandbox does."""\n'
    '    return f"Hello {name}, this is the sandbox."\n\n\nprint(greet("world"))\n```'
)
_TABLE = (
    "| What to try | Takes | Helps |\n|:---|---:|:---:|\n| A **walk** | 20 min | mostly |\n| Tea | 5 min | always |\n"
    "| Sleep | 8 h | `yes` |"
)
_FORMULA = (
    "#### How long it takes\n\nWith a distance $d$ and a speed $v$ it is $t = d / v$, and the sandbox charges $0."
)
_CLOSINGS = (
    "Ask me something else and I'll remember what you asked before.",
    "That's all from the box of ready sentences. What next?",
    "Come back with a follow-up: I do keep track.",
)

_SECTIONS = (
    (re.compile(r"\bvery long\b", re.IGNORECASE), 30),
    (re.compile(r"\b(long|essay|detail|story)\b", re.IGNORECASE), 9),
)
_WANTS_CODE = re.compile(r"\b(code|python|program|function|script)\b", re.IGNORECASE)
_WANTS_TABLE = re.compile(r"\b(compare|comparison|table|versus|vs)\b", re.IGNORECASE)
_WANTS_LIST = re.compile(r"\b(list|steps?|ideas?|how)\b", re.IGNORECASE)


def generate(messages: Sequence[Json], *, model: str, seed: int = 0) -> str:
    """Return an answer to the last question in markdown, the same for the same conversation and seed."""
    questions = [strip_markup(_text(message)) for message in messages if message.get("role") == "user"]
    question = questions[-1] if questions else ""
    choice = random.Random(f"{seed}/{model}/{len(messages)}/{question}")  # noqa: S311 - variety, not secrecy
    parts = [choice.choice(_OPENINGS)]
    if len(questions) > 1:
        parts.append(_recollection(questions))
    elif question:
        parts.append(f"You asked: “{shorten(question)}”")
    parts += choice.sample(_THOUGHTS, 2)
    if _WANTS_LIST.search(question):
        parts.append("\n".join(f"{n}. {step}" for n, step in enumerate(choice.sample(_STEPS, 4), start=1)))
    if _WANTS_CODE.search(question):
        parts.append(_CODE)
    if _WANTS_TABLE.search(question):
        parts.append(_TABLE)
    parts += _sections(choice, question)
    parts.append(choice.choice(_CLOSINGS))
    return "\n\n".join(parts)


def split_deltas(text: str) -> list[str]:
    """Return a text split into small deltas; joined they are the text."""
    return _STEP.findall(text)


def strip_markup(text: str) -> str:
    """Return a text without mentions, links and markdown: only words and plain punctuation."""
    text = _TAG.sub(" ", _LINK.sub(" ", _LABEL.sub("", text)))
    return " ".join(_UNSAFE.sub(" ", text).replace("_", " ").split())


def shorten(text: str) -> str:
    """Return the beginning of a plain text, cut at a word."""
    if len(text) <= QUOTE_CHARACTERS:
        return text
    return text[:QUOTE_CHARACTERS].rsplit(" ", 1)[0] + "…"


def _recollection(questions: Sequence[str]) -> str:
    first, question = shorten(questions[0]), shorten(questions[-1])
    sentence = f"You first asked me about “{first}”, and now “{question}”."
    if len(questions) > 2:
        sentence += f" Just before, it was “{shorten(questions[-2])}”; that makes {len(questions)} questions."
    return sentence


def _sections(choice: random.Random, question: str) -> list[str]:
    count = next((count for pattern, count in _SECTIONS if pattern.search(question)), 0)
    parts: list[str] = []
    for number in range(count):
        parts.append(f"## {_HEADINGS[number % len(_HEADINGS)]}")
        parts.append(" ".join(choice.sample(_THOUGHTS, 5)))
        if number % 4 == 1:
            parts.append(_CODE)
        elif number % 4 == 2:
            parts += [_TABLE, _FORMULA]
        elif number % 4 == 3:
            parts.append("\n".join(f"- {step}" for step in choice.sample(_STEPS, 3)))
    return parts


def _text(message: Json) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""
