"""Announcing a block of code, which nobody wants to hear read."""

import re
from typing import Final

_NAMES: Final = {
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
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+#]{0,19}")


def announcement(info: str) -> str:
    """Say that there is code; `info` is what stands behind the backticks that open it."""
    language = info.split(maxsplit=1)[0].lower() if info.strip() else ""
    if language in _NO_LANGUAGE:
        return "Here is some code."
    if language in _SHELLS:
        return "Here is some code for the command line."
    if language == "diff":
        return "Here is a list of changes to some code."
    if language == "mermaid":
        return "Here is a diagram."
    name = _NAMES.get(language) or (language.capitalize() if _NAME.fullmatch(language) else "")
    return f"Here is some code in {name}." if name else "Here is some code."
