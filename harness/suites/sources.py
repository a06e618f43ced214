"""What a suite's name stands for and what decides its text and scores, read from its files alone: for plans.

lm-eval's index knows more, and takes seconds to import; it is asked for names that are not offbook's own only.
"""

import functools
import hashlib
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from offbook.tasks import TASKS_PATH

PREFIX = "offbook_"
NOT_READ = ("__pycache__", ".ipynb_checkpoints")


@dataclass(frozen=True, kw_only=True)
class SuiteSource:
    """A suite, the name that it was asked for under, and the hash of the files that make it."""

    name: str
    asked_as: str
    sha256: str


def suite_sources(name: str, *, include_path: Path | None = None) -> list[SuiteSource]:
    """The suites of a name; a group stands for its tasks.

    Raises:
        ValueError: no such suite.
    """
    own = _own() if include_path is None else {}
    full = PREFIX + name if PREFIX + name in own else name
    if full in own:
        return [
            SuiteSource(name=task, asked_as=task, sha256=_own_sha256(own[task][0].parent)) for task in _tasks(full, own)
        ]
    from offbook.harness.suites.suite import find_suites

    code = _their_code(include_path)
    return [
        SuiteSource(name=suite.name, asked_as=name, sha256=_their_sha256(suite.name, code))
        for suite in find_suites([name], include_path=include_path)
    ]


def suite_sha256(name: str, *, include_path: Path | None = None) -> str:
    """The hash of the files that make a suite, as they are on disk; `name` is its own."""
    own = _own() if include_path is None else {}
    if name in own:
        return _own_sha256(own[name][0].parent)
    return _their_sha256(name, _their_code(include_path))


def _tasks(name: str, own: dict[str, tuple[Path, list[str] | None]]) -> list[str]:
    members = own[name][1]
    if members is None:
        return [name]
    return list(dict.fromkeys(task for member in members for task in _tasks(member, own)))


@functools.cache
def _own() -> dict[str, tuple[Path, list[str] | None]]:
    """Offbook's own names: the file of each, and of a group what it stands for."""
    names: dict[str, tuple[Path, list[str] | None]] = {}
    for path in sorted(TASKS_PATH.rglob(f"{PREFIX}*.yaml")):
        content = yaml.load(path.read_bytes(), Loader=_Loader)
        if "group" in content:
            names[content["group"]] = path, list(content["task"])
        else:
            names[content["task"]] = path, None
    return names


def _their_code(include_path: Path | None) -> str:
    """lm-eval's version, and what a folder with more suites holds."""
    code = f"lm_eval {importlib.metadata.version('lm_eval')}"
    return code if include_path is None else f"{code} {_folder_sha256(include_path)}"


def _their_sha256(name: str, code: str) -> str:
    """Of a suite that lm-eval's index found, which may be one of offbook's own beside a folder with more."""
    own = _own().get(name)
    return _sha256(f"{code} {name}".encode(), *([] if own is None else [_own_sha256(own[0].parent).encode()]))


def _own_sha256(folder: Path) -> str:
    """A task's own folder, and the modules that all of them share."""
    return _sha256(_folder_sha256(folder).encode(), *(path.read_bytes() for path in sorted(TASKS_PATH.glob("*.py"))))


def _folder_sha256(folder: Path) -> str:
    parts = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not set(NOT_READ).intersection(path.parts) and path.suffix != ".md":
            parts += [path.relative_to(folder).as_posix().encode(), path.read_bytes()]
    return _sha256(*parts)


def _sha256(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()


class _Loader(yaml.SafeLoader):
    """SafeLoader that passes over lm-eval's `!function`."""


def _passed_over(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    return None


_Loader.add_multi_constructor("!", _passed_over)
