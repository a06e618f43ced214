"""Folders that nobody named: below `runs/`, called after what is made and when."""

from datetime import UTC, datetime
from pathlib import Path

RUNS = Path("runs")


def new_folder(name: str, *, runs: Path = RUNS) -> Path:
    """A folder name that is not taken, after the time in UTC."""
    stem = f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    number, folder = 1, runs / stem
    while folder.exists():
        number += 1
        folder = runs / f"{stem}-{number}"
    return folder
