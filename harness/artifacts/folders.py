"""Folders of what is made: those that nobody named, below `runs/`, those that hold a model, and what stages share."""

from datetime import UTC, datetime
from pathlib import Path

RUNS = Path("runs")
MODEL_FILES = ("config.json", "*.safetensors", "*.gguf")


def new_folder(name: str, *, runs: Path = RUNS) -> Path:
    """A folder name that is not taken, after the time in UTC."""
    stem = f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    number, folder = 1, runs / stem
    while folder.exists():
        number += 1
        folder = runs / f"{stem}-{number}"
    return folder


def tables_folder(run: Path) -> Path:
    """Where a run keeps what stages of one base model share, each file under the hash of what it was made of."""
    return run / "artifacts" / "tables"


def check_no_model(folder: Path, whose: str, *, ours: bool) -> None:
    """Refuses a folder with somebody's model in it, whose files would be written over or stand among others.

    Args:
        folder: to write to, there or not.
        whose: the folder that was expected, such as "a run's folder".
        ours: whether what lies there is such a folder's own, finished or interrupted.

    Raises:
        ValueError: naming a file of the model.
    """
    names = [] if ours else sorted(path.name for pattern in MODEL_FILES for path in folder.glob(pattern))
    if names:
        msg = f"--output {folder}: expected {whose} or a new one, got a model's ({names[0]}); choose another"
        raise ValueError(msg)
