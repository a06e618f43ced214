"""The task files of somebody's folder: which names they declare, and which of them lm-eval passes over in silence.

lm-eval's index leaves out what it cannot read and, of two files with one name, the second. Both look like a misspelt
suite, or like another one's scores.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from lm_eval.tasks._yaml_loader import load_yaml

from offbook.engine.quoting import quoted

NOT_READ = {"__pycache__", ".ipynb_checkpoints"}  # by lm-eval

_DECLARED = re.compile(r"""^["']?(task|group)["']?[ \t]*:[ \t]*["']?([^\s"'#,\[\]]+)""", re.MULTILINE)


def check_declared_once(folder: Path, names: Sequence[str]) -> None:
    """Refuses a name that two files of a folder declare.

    Raises:
        ValueError: naming both.
    """
    files: dict[str, Path] = {}
    for path, text in _files(folder, ".yaml"):
        name = _declares(text)
        if name in names and name in files:
            msg = f"suite {quoted(name)}: expected one task file of that name, got {files[name]} and {path}; rename one"
            raise ValueError(msg)
        if name is not None:
            files[name] = path


def passed_over(folder: Path, name: str) -> str | None:
    """Why a name that stands in a file of a folder is not in lm-eval's index; None where no file says so."""
    if not name:
        return None  # stands everywhere
    for path, text in _files(folder, ".yaml"):
        if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", f"{path.stem}\n{text}"):
            continue
        try:
            content = load_yaml(path, resolve_func=False)
        except Exception as error:  # YAML of all kinds, files that it includes
            return f"expected a task file that can be read, got {_told(error)}; mend {path}"
        if (odd := _odd(content)) is not None:
            return f"{odd}; mend {path}"
    for path, text in _files(folder, ".yml"):
        if _declares(text) == name:
            return f"expected a task file that ends in .yaml, got {path}, which lm-eval does not read; rename it"
    return None


def odd_names(folder: Path) -> str | None:
    """What is wrong with the first file of a folder whose names lm-eval cannot sort; None where there is none."""
    for path, _ in _files(folder, ".yaml"):
        try:
            content = load_yaml(path, resolve_func=False)
        except Exception:  # lm-eval leaves it out
            continue
        if isinstance(content, dict) and {"task", "group", "class"} & content.keys() and (odd := _odd(content)):
            return f"task file {path}: {odd}; mend it"
    return None


def _odd(content: Any) -> str | None:
    """What is wrong with the names that a task file gives, its own and its tags."""
    if not isinstance(content, dict) or not {"task", "group", "class"} & content.keys():
        got = ", ".join(map(str, content)) if isinstance(content, dict) else quoted(content)
        return f"expected a task file with the key `task` or `group`, got {got}"
    kind = "group" if "group" in content and "class" not in content else "task"
    name = content.get(kind)
    if not isinstance(name, str) or not name:
        hint = " (a list of tasks needs a `group` to stand for them)" if isinstance(name, list) else ""
        return f"expected {kind} to be a name in quotes, got {quoted(name)}{hint}"
    tags = content.get("tag")
    if tags is not None and not all(isinstance(tag, str) for tag in (tags if isinstance(tags, list) else [tags])):
        return f"expected tag to be a name in quotes or a list of them, got {quoted(tags)}"
    return None


def _files(folder: Path, suffix: str) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob(f"*{suffix}")):
        if path.is_file() and not NOT_READ.intersection(path.parts):
            yield path, path.read_text("utf-8", errors="replace")


def _declares(text: str) -> str | None:
    found = dict(reversed(_DECLARED.findall(text)))
    return found.get("group", found.get("task"))


def _told(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{type(error).__name__} in line {error.problem_mark.line + 1}: {error.problem}"
    return f"{type(error).__name__}: {' '.join(str(error).split()):.200}"
