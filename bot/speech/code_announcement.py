"""What is said in the place of a block of code."""

import re
from typing import Final

from bot.messages import speech as texts
from bot.messages.message import Message

_LANGUAGE_NAMES: Final = {
    "py": "Python",
    "python3": "Python",
    "js": "JavaScript",
    "javascript": "JavaScript",
    "jsx": "JavaScript",
    "ts": "TypeScript",
    "typescript": "TypeScript",
    "tsx": "TypeScript",
    "c++": "C++",
    "cpp": "C++",
    "cs": "C sharp",
    "csharp": "C sharp",
    "c#": "C sharp",
    "rs": "Rust",
    "rb": "Ruby",
    "go": "Go",
    "golang": "Go",
    "kt": "Kotlin",
    "php": "PHP",
    "sql": "SQL",
    "html": "HTML",
    "css": "CSS",
    "scss": "CSS",
    "xml": "XML",
    "json": "JSON",
    "jsonc": "JSON",
    "yaml": "YAML",
    "yml": "YAML",
    "toml": "TOML",
    "ini": "INI",
    "tex": "LaTeX",
    "latex": "LaTeX",
    "hs": "Haskell",
    "ps1": "PowerShell",
    "powershell": "PowerShell",
    "dockerfile": "Docker",
    "md": "Markdown",
    "markdown": "Markdown",
}
_SHELLS: Final = frozenset({"sh", "bash", "zsh", "fish", "shell", "console", "terminal", "shell-session", "bat", "cmd"})
_NO_LANGUAGE: Final = frozenset({"", "text", "txt", "plain", "plaintext", "none", "ansi", "output", "log", "code"})
_LANGUAGE_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+#]{0,19}")


def code_announcement(language: str) -> Message:
    """Return the announcement of a code block; `language` is what its fence is marked with."""
    language = language.lower()
    if language in _NO_LANGUAGE:
        return texts.spoken_code()
    if language in _SHELLS:
        return texts.spoken_shell_code()
    if language == "diff":
        return texts.spoken_diff()
    if language == "mermaid":
        return texts.spoken_diagram()
    name = _LANGUAGE_NAMES.get(language) or (language.capitalize() if _LANGUAGE_NAME.fullmatch(language) else "")
    return texts.spoken_code_in(name) if name else texts.spoken_code()
