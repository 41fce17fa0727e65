"""Whether a sentence ends at a stop.

A kept library knows the abbreviations of its languages (`sentencex`, of the Wikimedia Foundation: native, no
dependencies, a millisecond to import, 3 µs a question; it would rather leave two sentences together than cut one, and
so do we). It takes a whole text in one language; here a text is still being written, in a language nobody told. So it
is only asked about one stop at a time, with the word behind it, and a stop counts where no language knows better.
"""

import re
from typing import Final

from sentencex import get_sentence_boundaries

_CLOSERS: Final = "\"'”’»)]}"
_STOPS: Final = ".!?…‽؟۔।॥։።။;\u037e"
_CONTEXT: Final = 1000
"""Characters before a stop that are looked at."""

_LATIN: Final = ("en", "de", "es", "fr")
_LANGUAGES: Final = (  # by the script of what stands before the stop
    (re.compile(r"[\u0370-\u03ff]"), ("el",)),
    (re.compile(r"[\u0400-\u04ff]"), ("ru", "uk")),
    (re.compile(r"[\u0530-\u058f]"), ("hy",)),
)
_ANY_WORDS: Final = ("The", "the")
"""What might come next, where it isn't known."""


def may_end(text: str) -> bool:
    """Whether `text` ends with something that could be a stop."""
    ending = text[-_CONTEXT:].rstrip(_CLOSERS)
    stops = ending[len(ending.rstrip(_STOPS)) :]
    return bool(stops) and (";" not in stops or _languages(text) == ("el",))


def ends_for_certain(text: str) -> bool:
    """Whether a sentence ends with `text`, which `may_end`, whatever word comes next."""
    return all(_parted(text, word) for word in _ANY_WORDS)


def ends_before(text: str, following: str) -> bool:
    """Whether a sentence ends with `text`, which `may_end`, now that it is known how the text goes on."""
    in_lower_case = following[:1].islower() and not text[:1].islower()
    if in_lower_case and text.rstrip(_CLOSERS)[-1:] in ".…":
        return False
    return _parted(text, following)


def _parted(text: str, following: str) -> bool:
    """Whether a sentence ends here by what is known of all languages that this may be."""
    if following[:1].islower():  # no language has a say in this but those that don't go by it
        return _parts("en", text, following)
    return all(_parts(language, text, following) for language in _languages(text))


def _parts(language: str, text: str, following: str) -> bool:
    text = text[-_CONTEXT:]
    boundaries = get_sentence_boundaries(language, f"{text} {following[:_CONTEXT]}")
    return any(each["end_index"] in (len(text), len(text) + 1) for each in boundaries[:-1])


def _languages(text: str) -> tuple[str, ...]:
    return next((languages for script, languages in _LANGUAGES if script.search(text)), _LATIN)
