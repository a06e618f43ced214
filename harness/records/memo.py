"""What was worked out once and can be worked out again: values by key, in a file that may be deleted at any time.

    <key> <checksum> <JSON>

The first line names the code that worked them out; of other code nothing is believed. Nor is a line whose checksum is
another. What nobody has asked for since the file was read is left out when it is written.
"""

import contextlib
import functools
import hashlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

from offbook.engine.files import atomic_write_bytes


class Memo:
    """The values of one file.

    Args:
        path: of the file.
        version: of the code (`code_version`).
        forget: whether to begin with none.
    """

    def __init__(self, path: Path, version: str, *, forget: bool = False) -> None:
        self._path, self._head = path, _line("version", version.encode())
        self._read: dict[str, bytes] = {}
        self._kept: dict[str, bytes] = {}
        self._is_changed = forget
        if not forget:
            self._load()

    def get(self, key: str) -> Any:
        """The value of a key; None where none is known."""
        text = self._kept.get(key) or self._read.get(key)
        if text is None:
            return None
        value = text[len(key) + 18 :]
        if text != _line(key, value):
            self._is_changed = True
            return None
        self._kept[key] = text
        return json.loads(value.decode("ascii"))

    def put(self, key: str, value: Any) -> None:
        """Remembers what is JSON, NaN included."""
        self._kept[key] = _line(key, json.dumps(value, separators=(",", ":")).encode())
        self._is_changed = True

    def save(self) -> None:
        """Writes what was asked for or put, where that is not what the file holds."""
        if self._is_changed or len(self._kept) != len(self._read):
            with contextlib.suppress(OSError):  # where nothing can be written, it is worked out again
                atomic_write_bytes(self._path, b"\n".join((self._head, *self._kept.values(), b"")))

    def _load(self) -> None:
        try:
            head, *texts = self._path.read_bytes().split(b"\n")
        except OSError:
            return
        if head == self._head:
            self._read = {text.partition(b" ")[0].decode("ascii", "replace"): text for text in texts if text}


@functools.cache
def code_version(*modules: ModuleType) -> str:
    """A hash of the text of modules, of packages of all in them."""
    digest = hashlib.sha256()
    for module in modules:
        path = Path(str(module.__file__))
        for file in sorted(path.parent.glob("*.py")) if path.name == "__init__.py" else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _line(key: str, value: bytes) -> bytes:
    start = key.encode("ascii") + b" "
    return start + hashlib.sha256(start + value).hexdigest()[:16].encode("ascii") + b" " + value
