"""What a model is called where everybody reads it: a name under which a model was found, and nothing else.

Whoever types a key in the place of a model gets an error, never a record, for no model answers to it. So a Hugging Face
id is shown once the hub or its cache gave a model under it, a folder's last part because a model lies there, and the
name a server answered to. All three may still be a key that somebody made a name of (a folder called after a token, a
server that answers to any name), so what looks like one is hidden in all three.
"""

import re
from pathlib import Path

from offbook.engine.embedded import ALIASES, ENCODERS
from offbook.engine.key_shapes import looks_like_a_key

HIDDEN = "[model]"
PLAIN = re.compile(r"[\w .+-]{1,100}")
SERVED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._:-]{0,95}){0,2}")


def shown_model(name: str) -> str:
    """An alias, a hub id that the hub's cache knows, of a folder its last part; "[model]" for all else."""
    if name in ALIASES or name in ENCODERS:
        return name
    if (folder := existing_folder(name)) is not None:
        return shown_folder(folder)
    return name if is_known_id(name) and not looks_like_a_key(name) else HIDDEN


def shown_folder(folder: Path) -> str:
    """The last part of a folder in which a model lies, which is how its owner called it."""
    last = folder.resolve().name
    return last if PLAIN.fullmatch(last) and not looks_like_a_key(last) else HIDDEN


def shown_served_model(name: str) -> str:
    """The name under which a server gave answers; such names may be folders of the server's, which are not shown."""
    return name if SERVED.fullmatch(name) and not looks_like_a_key(name) else HIDDEN


def is_known_id(name: str) -> bool:
    """Whether a model of this Hugging Face id was once downloaded, at least in part."""
    # imported late: they bring an HTTP client, which who names no id needs not
    from huggingface_hub import constants
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.file_download import repo_folder_name
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    snapshots = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type="model") / "snapshots"
    try:
        return any(snapshots.glob("*/*"))
    except OSError:
        return False


def existing_folder(name: str) -> Path | None:
    """The folder of this name, if it is one."""
    try:
        folder = Path(name).expanduser()
        return folder if folder.is_dir() else None
    except (OSError, RuntimeError, ValueError):  # too long, no such user, NUL
        return None
