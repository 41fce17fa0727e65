"""Texts on their way into the database."""


def storable(text: str) -> str:
    """Replace what no database takes: half a surrogate pair (JSON can carry one) and NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")
