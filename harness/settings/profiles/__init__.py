"""The profiles of `offbook reproduce`: matrix files beside this one, or the user's own."""

import difflib
from collections.abc import Sequence
from pathlib import Path

from offbook.engine.paths import user_path
from offbook.engine.quoting import quoted
from offbook.harness.settings.matrix import Matrix
from offbook.harness.settings.parse import load_config

FOLDER = Path(__file__).resolve().parent


def profile_names() -> list[str]:
    """Profiles that come with offbook."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_profile(name: str, settings: Sequence[str] = ()) -> tuple[str, Matrix]:
    """A profile by name, or by the path of a YAML file; returns its short name as well.

    Args:
        name: of one that comes with offbook, or a path.
        settings: over those of the file; see `overridden`.

    Raises:
        ValueError: there is none, or it is not well-formed.
    """
    if name in profile_names():
        return name, load_config(FOLDER / f"{name}.yaml", Matrix, settings)
    if name.endswith((".yaml", ".yml")):
        path = user_path(name, what="--profile")
        return path.stem, load_config(path, Matrix, settings)
    near = difflib.get_close_matches(name, profile_names(), n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    msg = f"no profile {quoted(name)}{hint}: expected one of {', '.join(profile_names())}, or a YAML file"
    raise ValueError(msg)
