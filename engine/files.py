"""Files that are whole or absent: written under a temporary name, synced, then given their real name in one step.

A full disk is an OSError with the path, also where a library wrote the bytes.
"""

import contextlib
import errno
import functools
import hashlib
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

_SUFFIX = ".tmp"
_TEMPORARY = re.compile(r"\.[0-9a-f]+(\.[0-9a-f]+\.[0-9a-f]+)?\.tmp")
_OLD_S = 86_400.0
_NUMBER = re.compile(r"os error (\d+)")  # as safetensors and tokenizers put it
_TORCH = re.compile(r"inline_container|PytorchStreamWriter")


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
def writing(path: Path) -> Iterator[None]:
    """What is raised inside because a file cannot be written becomes an OSError that names `path`.

    safetensors, tokenizers and torch have errors of their own for a full disk, and `write` itself knows no name. Of a
    temporary name the one is told that the file would have got.

    Raises:
        OSError: the file cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None or not (error.filename is None or _is_temporary(error)):
            raise
        raise OSError(error.errno, error.strerror, _final_name(error, path)) from error
    except Exception as error:
        text = " ".join(str(error).split())
        of_rust = type(error).__module__.startswith("safetensors") or (
            type(error) is Exception and _NUMBER.search(text)
        )
        if not (of_rust or _TORCH.search(text)):
            raise
        number = int(found[1]) if (found := _NUMBER.search(text)) else errno.EIO  # torch does not say why
        raise OSError(number, os.strerror(number) if found else text, str(path)) from error


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A hidden path beside `path` for a library that writes files itself; what lies there becomes `path`, synced."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _hidden(path.parent)
        try:
            yield temporary
            _sync_file(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(path.parent)


@contextlib.contextmanager
def atomic_files(folder: Path) -> Iterator[Path]:
    """A hidden folder for a library that writes several files; all are synced before the first moves into `folder`.

    Where one cannot be written, none arrives, and what `folder` holds stays as it is.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        temporary = _hidden(folder)
        temporary.mkdir()
        try:
            yield temporary
            written = sorted(path for path in temporary.rglob("*") if path.is_file())
            for path in written:
                _sync_file(path)
            for path in written:
                final = folder / path.relative_to(temporary)
                final.parent.mkdir(parents=True, exist_ok=True)
                path.replace(final)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        _sync_folder(folder)


def rename_folder(written: Path, path: Path) -> None:
    """Gives a folder, whose files are synced, the name `path`, which is free; the name is synced too."""
    with writing(path):
        written.replace(path)
        _sync_folder(path.parent)


def left_over(folder: Path) -> list[Path]:
    """What killed processes left half written in a folder, not below.

    A temporary name tells its writer's process; those of living ones are none. What another machine wrote, or a
    version that told no process, is one after a day.
    """
    return [path for path in sorted(folder.glob(f".*{_SUFFIX}")) if _TEMPORARY.fullmatch(path.name) and _is_left(path)]


def remove(path: Path) -> None:
    """Removes a file or a folder with all in it; without effect where it is gone."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _is_left(path: Path) -> bool:
    with contextlib.suppress(OSError):
        if time.time() - path.lstat().st_mtime > _OLD_S:
            return True
    parts = path.name.removesuffix(_SUFFIX).split(".")
    if len(parts) != 4 or parts[3] != _host():
        return False
    try:
        os.kill(int(parts[2], 16), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _hidden(folder: Path) -> Path:
    """A name in a folder that nobody else uses, and that tells who does."""
    return folder / f".{uuid.uuid4().hex}.{os.getpid():x}.{_host()}{_SUFFIX}"


@contextlib.contextmanager
def _temporary(path: Path, data: bytes) -> Iterator[Path]:
    """A synced hidden file beside `path`; gone afterwards, and the folder synced."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _hidden(path.parent)
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(path.parent)


def _is_temporary(error: OSError) -> bool:
    """Whether an error is about a name of ours; copies tell the name they wrote to second."""
    names = (error.filename, error.filename2)
    return any(
        _TEMPORARY.fullmatch(part) for name in names if name is not None for part in Path(os.fsdecode(name)).parts
    )


def _final_name(error: OSError, path: Path) -> str:
    """Of a file in a hidden folder its name in `path`, else `path`."""
    for name in (error.filename, error.filename2):
        parts = () if name is None else Path(os.fsdecode(name)).parts
        for place, part in enumerate(parts):
            if _TEMPORARY.fullmatch(part):
                return str(path.joinpath(*parts[place + 1 :]))
    return str(path)


def _sync_file(path: Path) -> None:
    with path.open("rb+") as file:  # Windows syncs only what is open for writing
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows cannot open a folder, and syncs its names with the file
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@functools.cache
def _host() -> str:
    """This machine, for numbers of processes are of one; its name is hashed, and read when it is first needed."""
    import hashlib
    import platform

    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
