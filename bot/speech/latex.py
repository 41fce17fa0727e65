"""Formulas in LaTeX as a person would read them out, as far as that makes sense; else only that there is one."""

import re
from collections.abc import Mapping
from typing import Final

SOME_FORMULA: Final = "a formula"

_MAX_WORDS_LENGTH: Final = 160
"""Characters in words; longer formulas can't be followed by ear."""

_MAX_DEPTH: Final = 12
"""Groups, roots and powers within one another."""

_GREEK: Final = re.compile(
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|omicron|pi|rho|sigma|tau|upsilon|phi|chi"
    "|psi|omega"
)
_WORDS: Final[Mapping[str, str]] = {
    "varepsilon": "epsilon",
    "vartheta": "theta",
    "varphi": "phi",
    "times": "times",
    "cdot": "times",
    "ast": "times",
    "div": "divided by",
    "pm": "plus or minus",
    "mp": "minus or plus",
    "le": "is at most",
    "leq": "is at most",
    "ge": "is at least",
    "geq": "is at least",
    "lt": "is less than",
    "gt": "is greater than",
    "ll": "is much less than",
    "gg": "is much greater than",
    "ne": "is not equal to",
    "neq": "is not equal to",
    "approx": "is about",
    "sim": "is about",
    "simeq": "is about",
    "equiv": "is equivalent to",
    "propto": "is proportional to",
    "to": "to",
    "rightarrow": "to",
    "longrightarrow": "to",
    "mapsto": "maps to",
    "Rightarrow": "implies",
    "implies": "implies",
    "iff": "if and only if",
    "Leftrightarrow": "if and only if",
    "infty": "infinity",
    "sum": "the sum",
    "prod": "the product",
    "int": "the integral",
    "lim": "the limit",
    "max": "the maximum",
    "min": "the minimum",
    "sin": "sine",
    "cos": "cosine",
    "tan": "tangent",
    "log": "log",
    "ln": "natural log",
    "exp": "exp",
    "partial": "partial",
    "nabla": "nabla",
    "in": "in",
    "notin": "not in",
    "subset": "is a subset of",
    "subseteq": "is a subset of",
    "cup": "union",
    "cap": "intersection",
    "emptyset": "the empty set",
    "forall": "for all",
    "exists": "there is",
    "neg": "not",
    "land": "and",
    "wedge": "and",
    "lor": "or",
    "vee": "or",
    "ldots": "and so on",
    "dots": "and so on",
    "cdots": "and so on",
    "circ": "degrees",
    "degree": "degrees",
    "%": "percent",
    "hbar": "h bar",
    "ell": "l",
    "mid": "given",
    "perp": "is perpendicular to",
    "parallel": "is parallel to",
    "angle": "angle",
    "prime": "prime",
    "$": "dollars",
    "&": "and",
    "#": "number",
    "_": " ",
}
_SILENT: Final = re.compile(
    r"left|right|[bB]ig[lr]?|limits|(?:display|text)style|q?quad|[,;:!|{}\s]|math(?:bb|cal|bf|rm|sf|it)|boxed|operatorname"
)
_ACCENTS: Final = {"hat": "hat", "bar": "bar", "overline": "bar", "vec": "vector", "tilde": "tilde", "dot": "dot"}
_BOUNDED: Final = frozenset({"sum", "prod", "int"})
_SIGNS: Final = {
    "=": "equals",
    "+": "plus",
    "-": "minus",
    "−": "minus",
    "*": "times",
    "·": "times",
    "×": "times",
    "/": "over",
    "<": "is less than",
    ">": "is greater than",
    "≤": "is at most",
    "≥": "is at least",
    "≠": "is not equal to",
    "≈": "is about",
    "%": "percent",
    "!": "factorial",
    "|": " ",
    "~": " ",
    "'": "prime",
}
_POWERS: Final = {"2": "squared", "3": "cubed", "degrees": "degrees", "prime": "prime", "times": "star"}

_TOKENS: Final = re.compile(
    r"\\(?:text(?:bf|it|rm)?|mathrm|operatorname)\s*\{(?P<words>[^{}\\$]*)\}"
    r"|(?P<sign>\\(?:[A-Za-z]+|.)|\d+(?:[.,]\d+)*|[^\W\d_]|\S)",
    re.DOTALL,
)


def latex_to_words(latex: str) -> str:
    """Return a formula, given without its dollar signs, in words; `SOME_FORMULA` where it has none."""
    try:
        words = _FormulaReader(latex.replace("{,}", ",")).read()
    except _Unspeakable:
        return SOME_FORMULA
    return words if words and len(words) <= _MAX_WORDS_LENGTH else SOME_FORMULA


class _Unspeakable(Exception):
    """The formula holds something that has no words."""


class _FormulaReader:
    """One formula, read from left to right. `_signs` are its signs, commands and, with a blank before, words."""

    def __init__(self, latex: str) -> None:
        self._signs = [found["sign"] or f" {found['words']}" for found in _TOKENS.finditer(latex)]
        self._at = 0
        self._depth = 0

    def read(self) -> str:
        words = self._read_group()
        if self._at < len(self._signs):
            raise _Unspeakable  # a group that was never opened
        return words

    def _read_group(self) -> str:
        """Return the words up to the end of the group."""
        words = []
        while self._at < len(self._signs) and self._signs[self._at] != "}":
            words.append(self._read_one())
        return " ".join(" ".join(words).split()).replace("( ", "(").replace(" )", ")")

    def _read_one(self) -> str:
        """Return the words of one sign, command or group, with all that is within it."""
        if self._at == len(self._signs) or self._depth == _MAX_DEPTH:
            raise _Unspeakable
        sign = self._signs[self._at]
        self._at += 1
        self._depth += 1
        words = self._format_sign(sign)
        self._depth -= 1
        return words

    def _format_sign(self, sign: str) -> str:
        match sign[0]:
            case "{":
                words = self._read_group()
                if self._at == len(self._signs):
                    raise _Unspeakable
                self._at += 1
                return words
            case "^":
                power = self._read_one()
                return _POWERS.get(power, f"to the power of {power}")
            case "_":
                return f"sub {self._read_one()}"
            case "\\" if sign != "\\":
                return self._format_command(sign[1:])
            case "\\" | "}" | "&":
                raise _Unspeakable
        return _SIGNS.get(sign, sign)

    def _format_command(self, name: str) -> str:
        if name in ("frac", "dfrac", "tfrac"):
            above, below = self._read_one(), self._read_one()
            return f"{above} over {below}"
        if name == "sqrt":
            return f"the {self._read_degree()} root of {self._read_one()}"
        if name in _ACCENTS:
            return f"{self._read_one()} {_ACCENTS[name]}"
        if name in _BOUNDED:
            return f"{_WORDS[name]} {self._read_bounds()} of"
        if name == "lim":
            below = self._read_script("_").replace(" to ", " goes to ")
            return f"the limit {f'as {below}' if below else ''} of"
        return _format_symbol(name)

    def _read_degree(self) -> str:
        """Return which root it is."""
        if self._signs[self._at : self._at + 1] != ["["]:
            return "square"
        degree = self._signs[self._at + 1 : self._at + 2]
        if self._signs[self._at + 2 : self._at + 3] != ["]"]:
            raise _Unspeakable
        self._at += 3
        return "cube" if degree == ["3"] else f"{degree[0]}th"

    def _read_bounds(self) -> str:
        below = self._read_script("_")
        above = self._read_script("^")
        return " ".join([*([f"from {below}"] if below else []), *([f"to {above}"] if above else [])])

    def _read_script(self, mark: str) -> str:
        """Return the words of a superscript or subscript, if one comes next."""
        if self._signs[self._at : self._at + 1] != [mark]:
            return ""
        self._at += 1
        return self._read_one()


def _format_symbol(name: str) -> str:
    if _GREEK.fullmatch(name):
        return name
    if _GREEK.fullmatch(name.lower()):
        return f"capital {name.lower()}"
    if _SILENT.fullmatch(name):
        return ""
    if name not in _WORDS:
        raise _Unspeakable
    return _WORDS[name]
