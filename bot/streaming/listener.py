"""Who else follows an answer while it is written: the port behind which it is said aloud."""

from typing import Protocol


class Listener(Protocol):
    """Gets an answer's text as it comes, beside the surface. No call waits."""

    def hear(self, text: str) -> None:
        """Take the next piece of the answer."""
        ...

    def finish(self) -> None:
        """Take note that the answer is complete. Not called for one that ends early, for whatever reason."""
        ...

    def give_up(self) -> None:
        """Take note that people ended the answer."""
        ...
