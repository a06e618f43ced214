"""Whose code a contender is: of this repository, or of which version of which other distribution."""

import functools
import hashlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from offbook.harness.records.origin import Origin

OURS = "offbook"


def origin_of(entry: Callable[..., Any], group: str) -> Origin | None:
    """Where a contender's function was defined; None for those of this repository.

    Args:
        entry: builds or trains it.
        group: the entry points among which its distribution is looked for.
    """
    while isinstance(entry, functools.partial):
        entry = entry.func
    module = getattr(entry, "__module__", None) or type(entry).__module__
    top = module.partition(".")[0]
    if top == OURS:
        return None
    for point in importlib.metadata.entry_points(group=group):
        if point.dist is not None and point.module.partition(".")[0] == top:
            return Origin(distribution=point.dist.name, version=point.dist.version, code_sha256=_code_sha256(top))
    return Origin(distribution=top, code_sha256=_code_sha256(top))


@functools.cache  # what is imported stays as it is
def _code_sha256(top: str) -> str | None:
    files = _files(top)
    if not files:
        return None
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        data = path.read_bytes()
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def _files(top: str) -> dict[str, Path]:
    """The Python files of a top-level module, by their place in it."""
    if top == "__main__":
        script = getattr(sys.modules[top], "__file__", None)
        return {} if script is None or not Path(script).is_file() else {top: Path(script)}
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):  # a module that somebody made up in memory
        return {}
    if spec is None:
        return {}
    roots = [Path(place) for place in spec.submodule_search_locations or ()]
    found = {path.relative_to(root).as_posix(): path for root in roots for path in root.rglob("*.py")}
    return found or ({top: Path(spec.origin)} if spec.origin and Path(spec.origin).is_file() else {})
