"""Manners of the command line: no work for a place that cannot be written, quiet libraries, a run that can go on."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from offbook.engine.files import writing
from offbook.engine.paths import user_path
from offbook.engine.text import decode
from offbook.harness.artifacts.folders import check_no_model
from offbook.harness.cli.exits import Interrupted, number_of

if TYPE_CHECKING:
    from rich.console import Console


STORE_FOLDERS = ("records", "rows", "failures", "pending", "unscored", "artifacts", "claims", "logs", "trials")
STORE_FILES = (
    "LEADERBOARD.md",
    "leaderboard.csv",
    "decoder_comparisons.csv",
    "cross.csv",
    "published.csv",
    "leaderboard_comparison.csv",
    "leaderboard_records.csv",
    "leaderboard.html",
    "STUDENTS.md",
    "students.csv",
    "student_comparisons.csv",
    "students_comparison.csv",
    "ledger.jsonl",
    "run.json",
    "plan.json",
    "spent.jsonl",
    "finished.json",
)


def store_folder(folder: Path | None) -> Path | None:
    """A `table_folder` for records too.

    Raises:
        ValueError: see there; or a file or a link that leads nowhere has the name of a folder of the store; or it is a
            model's folder.
    """
    folder = table_folder(folder)
    if folder is not None:
        own = any((folder / name).exists() for name in ("records", *STORE_FILES))
        check_no_model(folder, "a run's folder", ours=own)
    for place in (folder / name for name in STORE_FOLDERS) if folder is not None else ():
        if os.path.lexists(place) and not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
            found = f"no permission in {place}" if place.is_dir() else f"the file {place}"
            raise ValueError(_in_the_way(folder, f"the folder {place.name}", found))
    return folder


def table_folder(folder: Path | None) -> Path | None:
    """A `writable_folder` for tables.

    Raises:
        ValueError: see there; or a folder has the name of a table.
    """
    folder = writable_folder(folder)
    for place in (folder / name for name in STORE_FILES) if folder is not None else ():
        if place.is_dir():
            raise ValueError(_in_the_way(folder, f"the file {place.name}", f"the folder {place}"))
    return folder


def _in_the_way(folder: Path | None, wanted: str, found: str) -> str:
    return f"--output {folder}: expected room for {wanted}, got {found}; move it, or choose another folder"


def writable_folder(folder: Path | None) -> Path | None:
    """An `--output` with `~` written out, where there is a folder to write to or one can be made.

    Raises:
        ValueError: a file or a link that leads nowhere is in the way, or permission is missing.
    """
    if folder is None:
        return None
    folder = user_path(folder, what="--output")
    try:
        place = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
        if place.is_symlink() and not place.exists():
            msg = (
                f"--output {folder}: expected a folder that can be written, got the link {place}, which leads nowhere; "
                "choose another"
            )
            raise ValueError(msg)
    except (OSError, StopIteration) as error:  # a name too long, a loop of links
        reason = getattr(error, "strerror", None) or "no folder at all"
        msg = f"--output {folder}: expected a folder that can be written, got: {reason}; choose another"
        raise ValueError(msg) from error
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
def resumable(output: Path | None = None) -> Iterator[None]:
    """What is interrupted inside the block goes on with the same command, in the folder `output` if there is one.

    Raises:
        Interrupted: it was.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise Interrupted(number_of(interrupt), kept=True, output=output) from None


def standard_input() -> str:
    """All of it, UTF-8.

    Raises:
        ValueError: another encoding.
    """
    raw = getattr(sys.stdin, "buffer", None)
    return decode(raw.read(), source="standard input") if raw is not None else sys.stdin.read()


def write_out(text: str) -> None:
    """Text on standard output, at once.

    Raises:
        OSError: it cannot be written there.
    """
    with writing(Path("standard output")):
        sys.stdout.write(text)
        sys.stdout.flush()


def terminal() -> "Console":
    """Standard output for tables, wide enough for one where nobody's terminal says otherwise."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=140)
