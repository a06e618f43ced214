"""The commands that the documents name, as they stand there: in fenced blocks, and between backticks in the text."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OTHERS = ("results", "runs", "node_modules", "CHANGELOG.md")  # written by commands or by others, and the log of changes
PROGRAMS = ("offbook", "nox", "pytest", "python3", "python", "pip", "git", "uvx", "uv")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`]+)`")


def documents() -> list[Path]:
    """Every document of ours that is written by hand and kept up to date."""
    found = (
        path for path in ROOT.rglob("*.md") if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
    )
    return sorted(path for path in found if path.relative_to(ROOT).parts[0] not in OTHERS)


def blocks(text: str) -> list[list[list[str]]]:
    """Fenced blocks of commands, each a list of commands in words; `a && b` is two."""
    found = []
    for language, body in _FENCE.findall(text):
        lines = [line for line in body.splitlines() if line.strip()]
        if language in ("", "sh", "bash", "console") and lines and program(shlex.split(lines[0])) in PROGRAMS:
            found.append([shlex.split(part) for line in lines for part in line.split(" && ")])
    return found


def snippets(text: str) -> list[str]:
    """Fenced blocks of Python."""
    return fenced(text, "python")


def fenced(text: str, wanted: str) -> list[str]:
    """Fenced blocks of a language."""
    return [body for language, body in _FENCE.findall(text) if language == wanted]


def mentions(text: str) -> list[list[str]]:
    """Commands between backticks in the text, which may be broken over lines."""
    spans = (" ".join(span.split()) for span in _SPAN.findall(_FENCE.sub("", text)))
    return [shlex.split(span) for span in spans if re.match(r"(\.venv/bin/)?(offbook|nox|pytest) ", span)]


def program(words: list[str]) -> str:
    """What a command runs, without the folder it lies in."""
    return words[0].rsplit("/", 1)[-1] if words else ""
