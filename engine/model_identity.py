"""What a model is known by: one hash of its weights, and one of all else in its folder that decides its text.

Beside the weights lie the configuration (rope, eps, window ...), generation settings, the tokenizer and the chat
template; another file of these is another model. Nothing is loaded. Hashes of weights are remembered in the cache
under the files' paths, sizes, times and inodes, so that a large model is read once.
"""

import contextlib
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from offbook.engine.cache_folder import cache_folder
from offbook.engine.embedded import ALIASES, ENCODERS
from offbook.engine.files import atomic_write_text
from offbook.engine.model_folder import NEVER_EMPTY, OBJECTS, TEMPLATE, WEIGHTS
from offbook.engine.paths import user_path
from offbook.engine.quoting import quoted_path

RECIPE = 1  # part of a prepared folder's name: raise it when preparing an embedded model writes something else
SETTINGS = tuple(name for name in (*OBJECTS, *NEVER_EMPTY, TEMPLATE) if name != "model.safetensors.index.json")
TEMPLATES = "additional_chat_templates"  # a folder
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class ModelIdentity:
    """Hashes of a model's weights, as `cat model*.safetensors | sha256sum` prints it, and of its settings."""

    weights_sha256: str
    settings_sha256: str


def model_identity(name_or_path: str, *, revision: str | None = None) -> ModelIdentity:
    """What a model is known by.

    Args:
        name_or_path: an alias, a local folder of safetensors, or a Hugging Face id.
        revision: a branch, tag or commit of a Hugging Face id.

    Raises:
        ValueError: there is no such model.
    """
    folder = _folder(name_or_path, revision)
    return ModelIdentity(weights_sha256=folder_sha256(folder, name_or_path), settings_sha256=settings_sha256(folder))


def folder_sha256(folder: Path, name: str) -> str:
    """The hash of the weights in a folder; `name` is what its user called it.

    Raises:
        ValueError: there are none.
    """
    files = sorted(folder.glob(WEIGHTS))
    if not files:
        msg = f"{quoted_path(name)} has no weights to hash: expected {WEIGHTS}, found none; convert it to safetensors"
        raise ValueError(msg)
    looks = _looks(files)
    if (known := _remembered(_memo(looks), looks)) is not None:
        return known
    digest = _sha256(files)
    _remember(looks, digest)
    return digest


class KnownWeights:
    """Takes over the hash of a folder's weights from who is about to read them for another reason.

    Made before the files are read, so that what is written meanwhile is no part of what is remembered.
    """

    def __init__(self, folder: Path) -> None:
        files = sorted(folder.glob(WEIGHTS))
        self._name = files[0].name if len(files) == 1 else ""  # of several, nobody has read one hash
        self._looks = _looks(files)

    def take(self, hashes: Mapping[str, str]) -> None:
        """Remembers the hash of the weights among those of the folder's files, by name."""
        if self._name in hashes:
            _remember(self._looks, hashes[self._name])


def _looks(files: Sequence[Path]) -> str:
    """What changes with every write to one of these files."""
    stats = [(file.resolve(), file.stat()) for file in files]
    return repr([(str(path), s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for path, s in stats])


def _memo(looks: str) -> Path:
    return cache_folder() / "sha256" / hashlib.sha256(looks.encode()).hexdigest()


def _remember(looks: str, digest: str) -> None:
    with contextlib.suppress(OSError):  # where the cache cannot be written, the weights are read again next time
        atomic_write_text(_memo(looks), f"{digest} {_check(digest, looks)}\n")


def settings_sha256(folder: Path) -> str:
    """The hash of the files beside the weights that decide a model's text, by name and content."""
    files = [folder / name for name in SETTINGS]
    files += sorted((folder / TEMPLATES).glob("*.jinja"))
    lines = [f"{path.relative_to(folder).as_posix()} {_sha256([path])}\n" for path in sorted(files) if path.is_file()]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _folder(name_or_path: str, revision: str | None) -> Path:
    """Where a model lies: at hand, or as `engine.pretrained` finds, prepares or downloads it."""
    known = {**ALIASES, **ENCODERS}.get(name_or_path)
    if known is not None:
        prepared = cache_folder() / "models" / f"{name_or_path}-{known.sha256[:8]}-{RECIPE}"
    else:
        prepared = user_path(name_or_path, what="model")
    if revision is None and (prepared / "config.json").is_file() and any(prepared.glob(WEIGHTS)):
        return prepared
    from offbook.engine import pretrained  # with torch and transformers, which what is at hand does without

    return pretrained.files_of(name_or_path, revision=revision)


def _remembered(memo: Path, looks: str) -> str | None:
    """The hash that a memo holds, if it is one and was written for these files."""
    try:
        digest, _, check = memo.read_text(encoding="utf-8").strip().partition(" ")
    except (OSError, UnicodeDecodeError):
        return None
    return digest if _SHA256.fullmatch(digest) and check == _check(digest, looks) else None


def _check(digest: str, looks: str) -> str:
    return hashlib.sha256(f"{digest} {looks}".encode()).hexdigest()


def _sha256(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                digest.update(block)
    return digest.hexdigest()
