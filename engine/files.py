"""Files that are whole or absent: written under a temporary name, synced, then given their real name in one step."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path


def atomic_write_bytes(path: Path, data: bytes) -> None:
    """Writes `data` to `path`, replacing what is there; a reader sees the old bytes or the new, never a part."""
    with _temporary(path, data) as temporary:
        temporary.replace(path)


def atomic_write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text with plain line feeds; see `atomic_write_bytes`."""
    atomic_write_bytes(path, text.encode("utf-8"))


def write_once(path: Path, data: bytes) -> bool:
    """Writes `data` to `path` unless the file exists: the first writer wins, also between processes.

    A hard link is the step that cannot half happen and cannot overwrite, on network file systems too.

    Returns:
        Whether this call made the file.
    """
    with _temporary(path, data) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        return True


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A hidden path beside `path` for a library that writes files itself; what lies there becomes `path`, synced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:  # Windows syncs only what is open for writing
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def rename_folder(written: Path, path: Path) -> None:
    """Gives a folder, whose files are synced, the name `path`, which is free; the name is synced too."""
    written.replace(path)
    _sync_folder(path.parent)


@contextlib.contextmanager
def _temporary(path: Path, data: bytes) -> Iterator[Path]:
    """A synced hidden file beside `path`; gone afterwards, and the folder synced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows cannot open a folder, and syncs its names with the file
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
