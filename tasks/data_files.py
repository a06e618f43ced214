"""The data files of a task, where one of them is no UTF-8.

A task file names local files for a reader of `datasets` (`json`, `csv`, `text`). What the reader says of another
encoding names no file, and UTF-16 without a mark it takes for text full of NULs.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from offbook.engine.text import decode

READERS = ("json", "csv", "text")
BEGINNING = 2**16  # bytes, in which UTF-16 shows itself
WHOLE = 2**28  # bytes; of a larger file only so much is looked at

_COMPRESSED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")


def check_encoding(config: Mapping[str, Any], *, whose: str, most: int = BEGINNING) -> None:
    """Refuses a task with a data file in another encoding than UTF-8, unless the task says in which.

    Args:
        config: of the task, as its file has it.
        whose: the task, for the complaint.
        most: how many bytes of each file are looked at.

    Raises:
        ValueError: naming the file.
    """
    settings = config.get("dataset_kwargs")
    if config.get("dataset_path") not in READERS or not isinstance(settings, Mapping) or "encoding" in settings:
        return
    for path in _named(settings.get("data_files"), str(settings.get("data_dir") or "")):
        with path.open("rb") as file:
            data = file.read(most)
        if len(data) == most:
            data = data[: data.rfind(b"\n") + 1] or data[:2]
        if not data.startswith(_COMPRESSED):
            decode(data, source=f"{whose}: data file {path}")


def _named(files: Any, folder: str) -> Iterator[Path]:
    """The local files of a text, a list, or a mapping of splits to either; a pattern stands for all that it matches."""
    if isinstance(files, Mapping):
        for some in files.values():
            yield from _named(some, folder)
    elif isinstance(files, list | tuple):
        for some in files:
            yield from _named(some, folder)
    elif isinstance(files, str):
        path = Path(folder, files)
        found = [path]
        if any(sign in files for sign in "*?["):
            top = Path(path.anchor)
            found = sorted(top.glob(str(path.relative_to(top))))
        yield from (path for path in found if path.is_file())
