"""The folder for files that the bot sent."""

from pathlib import Path

from sandbox.discord.messages import Attachment


class OutputFolder:
    """A folder, created on demand. Files of an earlier run are replaced, those of this run are numbered."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._taken: set[str] = set()

    def save(self, attachment: Attachment) -> str:
        """Save a file and return its name in the folder.

        Raises:
            OSError: it can't be written there.
        """
        path = self.get_free_path(attachment.filename)
        path.write_bytes(attachment.data)
        return path.name

    def get_free_path(self, filename: str) -> Path:
        """Return a free path for a file of that name, numbered if it was used in this run."""
        self.path.mkdir(parents=True, exist_ok=True)
        plain = Path(filename)
        name, number = plain.name, 2
        while name in self._taken:
            name = f"{plain.stem}-{number}{plain.suffix}"
            number += 1
        self._taken.add(name)
        return self.path / name
