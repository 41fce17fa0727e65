"""A `.env` file of random bytes: it gives settings or clear lines, one a problem, and never shows a secret's value."""

import os
import tempfile
from pathlib import Path
from random import Random

from bot import env_file, settings
from bot.errors import StartupError
from bot.messages.render import render

NAMES = [name.upper() for name in settings.Settings.model_fields]
VALUES = (
    *("", "1", "many", "true", "off", "10/12", "gpt-4.1", "sqlite:///data/bot.db", "http://:pw@host/v1", "unlimited"),
    *("http://[::1", "http://a..b", "{x}", "${HOME}", "$", "a b", "#", " # remark", "\\", "\\n", "é", "“”", "\u2028"),
)
PIECES = (
    *("=", " = ", ":", " ", "\t", '"', "'", "\\", "#", "\n", "\r\n", "\r", "\0", "\ufeff", "export ", "\x0b", "\x85"),
    *("'x'=", "=\n", "\u200b", "FOREIGN=1\n", "'", '"'),
)
OVERLAP = 6
"""So many letters of a secret in a line would be a part of it."""


def try_one(random: Random) -> None:
    """Read one file; every line that is told names something and what was expected, and quotes no secret."""
    secret = "".join(random.choice("abcdefghijkmnopqrstuvwxyz0123456789-") for _ in range(24))
    data = _mutated(_text(random, secret).encode("utf-8", "surrogatepass"), random)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / env_file.FILE).write_bytes(data)
        told = _load_in(folder)
    for line in told:
        assert not any(secret[at : at + OVERLAP] in line for at in range(len(secret) - OVERLAP)), line
        assert "expected" in line or "ignored" in line, line
        assert line.isprintable(), line


def _load_in(folder: str) -> list[str]:
    before, environment = Path.cwd(), dict(os.environ)
    os.chdir(folder)
    try:
        for name in NAMES:
            os.environ.pop(name, None)
        return [render(warning) for warning in settings.load_with_warnings().warnings]
    except StartupError as fault:
        return (
            render(fault.message).split("\n") if fault.exit_status == settings.BAD_CONFIGURATION else ["another status"]
        )
    finally:
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(before)


def _text(random: Random, secret: str) -> str:
    return "".join(_line(random, secret) for _ in range(random.randrange(12)))


def _line(random: Random, secret: str) -> str:
    name = random.choice([*NAMES, "DISCORD_TOKEN", "MULTIAPPAI_API_KEY", "OTHER", ""])
    value = random.choice((*VALUES, secret, f'"{secret}"', f"'{secret}", f"Bearer {secret}", f"MTIz.{secret}.x"))
    sign = random.choice(("=", "=", "=", "=", ": ", " ", "", " = "))
    end = random.choice(("\n", "\n", "\n", "\r\n", "", random.choice(PIECES)))
    return f"{random.choice(('', '', '', 'export ', random.choice(PIECES)))}{name}{sign}{value}{end}"


def _mutated(data: bytes, random: Random) -> bytes:
    for _ in range(random.choice((0, 0, 1, 1, 2, 5))):
        at = random.randrange(len(data) + 1)
        piece = random.choice((b"", random.choice(PIECES).encode(), random.randbytes(1)))
        data = data[:at] + piece + data[at + random.randrange(3) :]
    return data
