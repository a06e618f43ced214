"""Manners of the command line: no work for a place that cannot be written, quiet libraries, a word after Ctrl-C."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def writable_folder(folder: Path | None) -> Path | None:
    """An `--output` as it came, where there is a folder to write to or one can be made.

    Raises:
        ValueError: a file is in the way, or permission is missing.
    """
    if folder is None:
        return None
    place = next(path for path in (folder, *folder.absolute().parents) if os.access(path, os.F_OK))
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        found = f"no permission in {place}" if place.is_dir() else f"the file {place}"
        msg = f"--output {folder}: expected a folder that can be written, got {found}; choose another"
        raise ValueError(msg)
    return folder


def quiet() -> None:
    """Keeps progress bars and advice of libraries off the terminal; errors still come through."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import huggingface_hub
    import transformers

    huggingface_hub.logging.set_verbosity_error()  # its retries; that they failed is said once, by us
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


@contextlib.contextmanager
def resumable(how: str) -> Iterator[None]:
    """Ends the process with status 130 and one line on how to go on, where it is interrupted inside the block."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"offbook: interrupted; {how}", file=sys.stderr)
        raise SystemExit(130) from None


def terminal() -> "Console":
    """Standard output for tables, wide enough for one where nobody's terminal says otherwise."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=140)
