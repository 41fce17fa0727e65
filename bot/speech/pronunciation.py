"""How certain words are said: whole words, whatever their case, replaced in one pass.

What a whole word is depends on its script. Where words are parted by white space, a letter next to it makes it another
word; where they are not (Chinese, Thai), or endings are stuck to them (Korean), it is found anywhere.
"""

import re
import unicodedata
from collections.abc import Mapping
from itertools import accumulate
from typing import Final

_JOINERS: Final = "\u200c\u200d"
_UNPARTED: Final = re.compile(
    "[\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u309f\u3400-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)


def folded(word: str) -> str:
    """Give `word` as it is looked for: the same for every case and every way to write its accents."""
    return "".join(map(_fold, unicodedata.normalize("NFC", word)))


class Pronunciation:
    """What is said in place of certain words.

    Args:
        say: by word, `folded`.
    """

    def __init__(self, say: Mapping[str, str]) -> None:
        self._say = say
        self._beginning_with: dict[str, list[str]] = {}
        for word in sorted(say, key=len, reverse=True):
            self._beginning_with.setdefault(word[0], []).append(word)

    def apply(self, text: str) -> str:
        """Give `text` with its words replaced. Of those that begin at the same place it is the longest."""
        if not self._say:
            return text
        text = unicodedata.normalize("NFC", text)
        pieces = [_fold(character) for character in text]  # "ß" is two characters then
        look = "".join(pieces)
        begins = dict(zip(accumulate(map(len, pieces), initial=0), range(len(text) + 1), strict=True))
        spoken: list[str] = []
        done = passed = 0
        for begin, at in begins.items():
            if begin < passed or begin == len(look):
                continue
            for word in self._beginning_with.get(look[begin], ()):
                end = begin + len(word)
                if look.startswith(word, begin) and end in begins and _stands_alone(look, begin, end):
                    spoken += text[done:at], self._say[word]
                    done, passed = begins[end], end
                    break
        return "".join(spoken) + text[done:]


def _stands_alone(text: str, begin: int, end: int) -> bool:
    """Whether a stretch of `text` is a word, and not a part of one."""
    return not (begin and _together(text[begin - 1], text[begin])) and not (
        end < len(text) and _together(text[end - 1], text[end])
    )


def _together(left: str, right: str) -> bool:
    """Whether two neighbours belong to one word, or to one sign such as "++"."""
    if unicodedata.category(right)[0] == "M" or right in _JOINERS:
        return not left.isspace()
    if _in_words(left) and _in_words(right):
        return not (_UNPARTED.match(left) or _UNPARTED.match(right))
    return left == right and not left.isspace()


def _in_words(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN" or character == "_" or character in _JOINERS


def _fold(character: str) -> str:
    return " " if character.isspace() else character.casefold()
