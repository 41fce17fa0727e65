"""The folder where files the bot sent are kept for whoever tries it."""

from pathlib import Path

from sandbox.discord.messages import Attachment


class OutputFolder:
    """A folder made on demand. Files of an earlier run are replaced, those of this run are numbered."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._taken: set[str] = set()

    def save(self, attachment: Attachment) -> str:
        """Write a file; its name in the folder.

        Raises:
            OSError: it can't be written there.
        """
        path = self.free(attachment.filename)
        path.write_bytes(attachment.data)
        return path.name

    def free(self, filename: str) -> Path:
        """Return a place in the folder for a file of that name, or of one like it where the name is taken."""
        self.path.mkdir(parents=True, exist_ok=True)
        plain = Path(filename)
        name, number = plain.name, 2
        while name in self._taken:
            name = f"{plain.stem}-{number}{plain.suffix}"
            number += 1
        self._taken.add(name)
        return self.path / name
