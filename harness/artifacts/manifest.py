"""The list of an artifact's files, written last: name, size and SHA-256 of each. With it the artifact is done.

    artifacts/drafter-0123456789ab/
    drafter.safetensors config.json ...
    artifact.json       the list, with a hash of its own
    .checked.json       what the files looked like when they were last read against the list; may be deleted

A folder without the list was left half made, one that differs from it is damaged: both are named, and made again.
"""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from offbook.engine.files import atomic_write_bytes, file_sha256, writing
from offbook.engine.quoting import quoted
from offbook.harness.settings.plain import read_plain

NAME = "artifact.json"
CHECKED = ".checked.json"
SCHEMA_VERSION = 1
SETTLED_NS = 2_000_000_000  # longer than the clock of any file system takes for a tick


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """A file as it was when the artifact was done."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class ArtifactManifest:
    """See the module.

    Attributes:
        key: of the stage that made it.
        files: by name, with / between folders.
    """

    key: str
    files: tuple[FileEntry, ...]

    def to_bytes(self) -> bytes:
        """As the file holds it."""
        return (json.dumps(self._content() | {"sha256": self.own_hash()}, indent=1) + "\n").encode()

    def own_hash(self) -> str:
        """Of everything in it."""
        canonical = json.dumps(self._content(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def _content(self) -> dict[str, Any]:
        return {"schema_version": SCHEMA_VERSION, "key": self.key, "files": [asdict(entry) for entry in self.files]}


def artifact_folder(run: Path, kind: str, key: str) -> Path:
    """Where a run keeps the artifact of a stage."""
    return run / "artifacts" / f"{kind}-{key[:12]}"


def complete(folder: Path, key: str, files: Iterable[str] | None = None) -> ArtifactManifest:
    """Declares an artifact done: syncs its files, then writes the list of them.

    Args:
        folder: where the files lie.
        key: of the stage.
        files: names in the folder; by default all that are not hidden.

    Raises:
        ValueError: a name that is no file there.
        OSError: something cannot be read or written.
    """
    visible = set(_visible(folder))
    names = sorted(visible if files is None else set(files))
    for name in sorted(visible ^ set(names)):
        found = "found one that is not named" if name in visible else "found none"
        msg = f"{folder / name}: expected exactly the files of the artifact, {found}; make it, or take it away"
        raise ValueError(msg)
    entries = tuple(_entry(folder, name) for name in names)
    manifest = ArtifactManifest(key=key, files=entries)
    atomic_write_bytes(folder / NAME, manifest.to_bytes())
    _remember(folder, manifest, _looks(folder, manifest))
    return manifest


def declared(folder: Path, key: str) -> bool:
    """Whether an artifact is said to be done; its files are not read, as right after they were listed."""
    try:
        return _parsed((folder / NAME).read_bytes()).key == key
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False


def check(folder: Path, key: str | None = None, *, again: bool = False) -> str | None:
    """What is wrong with an artifact, in one line; None where it is whole.

    A file that has kept its size, times and place since it was last read is not read again.

    Args:
        folder: the artifact's.
        key: the stage that it must be of, or the beginning of it.
        again: read every file, whatever was remembered.
    """
    if not folder.is_dir():
        return f"{folder.name}: expected a folder, found none; it is made by its stage"
    try:
        data = (folder / NAME).read_bytes()
        manifest = _parsed(data)
    except FileNotFoundError:
        return f"{folder.name}: expected {NAME}, found none: it was left half made; run its stage again"
    except (ValueError, KeyError, TypeError):
        return f"{folder.name}: expected a list of files in {NAME}, got something else; run its stage again"
    if data != manifest.to_bytes():
        return f"{folder.name}: {NAME} was changed after it was written; run its stage again"
    if key is not None and not manifest.key.startswith(key):
        return f"{folder.name}: expected the artifact {key[:12]}, got {manifest.key[:12]}; run its stage again"
    listed = {entry.name: entry for entry in manifest.files}
    for name in sorted(listed.keys() ^ set(_visible(folder))):
        found = "is missing" if name in listed else "is not of the artifact"
        return f"{folder.name}: the file {quoted(name)} {found}; run its stage again"
    looks = _looks(folder, manifest)
    known = {} if again else _remembered(folder, manifest)
    unknown = {name: entry for name, entry in listed.items() if known.get(name) != looks[name]}
    for name, entry in unknown.items():
        size = (folder / name).stat().st_size
        if size != entry.size:
            return f"{folder.name}: expected {entry.size} bytes in {quoted(name)}, got {size}; run its stage again"
        if (found := file_sha256(folder / name)) != entry.sha256:
            return (
                f"{folder.name}: expected SHA-256 {entry.sha256[:12]} of {quoted(name)}, got {found[:12]}; "
                "run its stage again"
            )
    if unknown:
        _remember(folder, manifest, looks)
    return None


def _parsed(data: bytes) -> ArtifactManifest:
    content = json.loads(data)
    files = [read_plain(FileEntry, entry, source=NAME, remedy="make it again") for entry in content["files"]]
    return ArtifactManifest(key=str(content["key"]), files=tuple(files))


def _visible(folder: Path) -> list[str]:
    """All files but the list itself and what is hidden: temporary files, locks, what was remembered."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [(Path(place) / name).relative_to(folder).as_posix() for name in names if not name.startswith(".")]
    return [name for name in found if name != NAME]


def _entry(folder: Path, name: str) -> FileEntry:
    path = folder / name
    with writing(path), path.open("rb+") as file:
        os.fsync(file.fileno())
    return FileEntry(name=name, size=path.stat().st_size, sha256=file_sha256(path))


def _looks(folder: Path, manifest: ArtifactManifest) -> dict[str, list[int]]:
    """What changes with every write to a file, by its name."""
    looks = {}
    for entry in manifest.files:
        stat = (folder / entry.name).stat()
        looks[entry.name] = [stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
    return looks


def _remember(folder: Path, manifest: ArtifactManifest, looks: dict[str, list[int]]) -> None:
    """But for files that were touched so lately that the next write might leave their times as they are.

    The hash of the list ties looks to what the files were compared with.
    """
    settled = {name: look for name, look in looks.items() if look[-1] + SETTLED_NS < time.time_ns()}
    with contextlib.suppress(OSError):  # a folder that only may be read is read in full each time
        content = {"manifest": manifest.own_hash(), "files": settled}
        atomic_write_bytes(folder / CHECKED, json.dumps(content).encode())


def _remembered(folder: Path, manifest: ArtifactManifest) -> dict[str, Any]:
    try:
        found = json.loads((folder / CHECKED).read_bytes())
        return dict(found["files"]) if found["manifest"] == manifest.own_hash() else {}
    except (OSError, ValueError, TypeError, KeyError):
        return {}
