"""How certain words are said: whole words, whatever their case, replaced in one pass.

What a whole word is depends on its script. Where words are parted by white space, a letter next to it makes it another
word; where they are not (Chinese, Thai), or endings are stuck to them (Korean), it is found anywhere.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Final

from bot.text_work import SLICE_CHARACTERS, normalize

_JOINERS: Final = "\u200c\u200d"
_UNPARTED: Final = re.compile(
    "[\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u309f\u3400-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)


def folded(word: str) -> str:
    """Give `word` as it is looked for: the same for every case and every way to write its accents."""
    return "".join(map(_fold, normalize("NFC", word)))


class Pronunciation:
    """What is said in place of certain words.

    Args:
        say: by word, `folded`.
    """

    def __init__(self, say: Mapping[str, str]) -> None:
        self._say = say
        self._lengths: dict[str, list[int]] = {}  # of the words that begin with a character, the longest first
        for word in sorted(say, key=len, reverse=True):
            lengths = self._lengths.setdefault(word[0], [])
            if len(word) not in lengths:
                lengths.append(len(word))

    def apply(self, text: str) -> str:
        """Give `text` with its words replaced. Of those that begin at the same place it is the longest."""
        return "".join(self.parts(text))

    def parts(self, text: str) -> Iterator[str]:
        """Do as `apply`, a part at a time: a text without a space may be looked at for each word at each character."""
        if not self._say:
            yield text
            return
        text = normalize("NFC", text)
        pieces = [_fold(character) for character in text]  # "ß" is two characters then
        look = "".join(pieces)
        begins = dict(zip(accumulate(map(len, pieces), initial=0), range(len(text) + 1), strict=True))
        done = passed = looked = 0
        for begin, at in begins.items():
            if at - looked >= SLICE_CHARACTERS and begin >= passed:
                yield text[done:at]
                done = looked = at
            if begin < passed or begin == len(look):
                continue
            lengths = self._lengths.get(look[begin])
            if lengths is None or (begin and _together(look[begin - 1], look[begin])):
                continue
            for length in lengths:
                end = begin + length
                word = look[begin:end]
                if word in self._say and end in begins and not (end < len(look) and _together(word[-1], look[end])):
                    yield text[done:at]
                    yield self._say[word]
                    done, passed = begins[end], end
                    break
        yield text[done:]


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
