"""What was worked out once and can be worked out again: values by key, in a file that may be deleted at any time.

    <version> <SHA-256 of the rest>
    <key> <JSON>

The version is of the code that worked them out; of other code nothing is believed. Nor is a file whose hash is another.
What nobody has asked for since the file was read is left out when it is written.
"""

import contextlib
import functools
import hashlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic_core import from_json

from offbook.engine.files import atomic_write_bytes


class Memo:
    """The values of one file.

    Args:
        path: of the file.
        version: of the code (`code_version`).
        forget: whether to begin with none.
    """

    def __init__(self, path: Path, version: str, *, forget: bool = False) -> None:
        self._path, self._version = path, version.encode("ascii")
        self._read: dict[bytes, bytes] = {}
        self._kept: dict[bytes, bytes] = {}
        self._is_changed = forget
        if not forget:
            self._load()

    def get(self, key: str) -> Any:
        """The value of a key; None where none is known."""
        name = key.encode("ascii")
        text = self._kept.get(name)
        if text is None:
            text = self._read.get(name)
            if text is None:
                return None
            self._kept[name] = text
        return from_json(text)

    def put(self, key: str, value: Any) -> None:
        """Remembers what is JSON, NaN included."""
        self._kept[key.encode("ascii")] = json.dumps(value, separators=(",", ":")).encode("ascii")
        self._is_changed = True

    def save(self) -> None:
        """Writes what was asked for or put, where that is not what the file holds."""
        if self._is_changed or len(self._kept) != len(self._read):
            body = b"\n".join(map(b" ".join, self._kept.items()))
            with contextlib.suppress(OSError):  # where nothing can be written, it is worked out again
                atomic_write_bytes(self._path, self._head(body) + body)

    def _load(self) -> None:
        try:
            data = self._path.read_bytes()
        except OSError:
            return
        head, _, body = data.partition(b"\n")
        if head + b"\n" == self._head(body) and body:
            self._read = {name: value for name, _, value in (text.partition(b" ") for text in body.split(b"\n"))}

    def _head(self, body: bytes) -> bytes:
        return self._version + b" " + hashlib.sha256(body).hexdigest().encode("ascii") + b"\n"


@functools.cache
def code_version(*modules: ModuleType) -> str:
    """A hash of the text of modules, of packages of all in them."""
    digest = hashlib.sha256()
    for module in modules:
        path = Path(str(module.__file__))
        for file in sorted(path.parent.glob("*.py")) if path.name == "__init__.py" else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()
