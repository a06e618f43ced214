"""Output folders of runs: a fresh one each time, unless one of the same profile was left unfinished.

runs/laptop-20260102T030405Z/
run.json            what runs here
plan.json           its stages
records/ rows/ ledger.jsonl         the store
artifacts/          answers, drafters, students
leaderboard.html leaderboard.csv decoder_comparisons.csv LEADERBOARD.md students.csv student_comparisons.csv STUDENTS.md
finished.json       there when everything is done
"""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offbook.engine.files import atomic_write_text
from offbook.engine.quoting import quoted
from offbook.harness.artifacts.folders import RUNS, new_folder

if TYPE_CHECKING:  # pydantic is loaded where a matrix is read, and not to ask how far a run is
    from offbook.harness.settings.matrix import Matrix


def open_run(
    name: str, profile: "Matrix", *, output: Path | None = None, fresh: bool = False, runs: Path = RUNS
) -> tuple[Path, bool]:
    """The folder to run in, and whether an earlier run is resumed there.

    Args:
        name: of the profile.
        profile: its content; a folder of another content is never resumed.
        output: the folder to use, whatever others there are.
        fresh: make a new folder even if an unfinished one could be resumed.
        runs: where folders are made.

    Raises:
        ValueError: `output` is in use by something else.
    """
    content = _sha256(profile)
    if output is not None:
        return _claim(output, name, content, fresh=fresh)
    if not fresh and (found := unfinished(name, profile, runs=runs)) is not None:
        return found, True
    return _claim(new_folder(name, runs=runs), name, content, fresh=False)


def unfinished(name: str, profile: "Matrix", *, runs: Path = RUNS) -> Path | None:
    """The last folder in which this very profile was left unfinished."""
    content = _sha256(profile)
    found = [
        folder
        for folder in sorted(runs.glob(f"{name}-*"))
        if _read(folder).get("profile_sha256") == content and not is_finished(folder)
    ]
    return found[-1] if found else None


def profile_of(folder: Path) -> str | None:
    """The profile that `offbook reproduce` runs there; None where it is another run."""
    name = _read(folder).get("profile")
    return name if isinstance(name, str) else None


def is_finished(folder: Path) -> bool:
    """Whether a run was completed there."""
    return (folder / "finished.json").is_file()


def finish(folder: Path, **what: Any) -> None:
    """Marks a run as complete."""
    text = json.dumps({"finished_utc": _now(), **what}, indent=1, allow_nan=False)
    atomic_write_text(folder / "finished.json", text + "\n")


def _sha256(profile: "Matrix") -> str:
    return hashlib.sha256(profile.model_dump_json().encode()).hexdigest()


def _claim(folder: Path, name: str, content: str, *, fresh: bool) -> tuple[Path, bool]:
    found = _read(folder)
    if found and not fresh and found.get("profile_sha256") == content:
        return folder, True
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        holds = f"a run of profile {quoted(found['profile'])}" if "profile" in found else "other files"
        msg = f"{folder}: expected an empty or new folder, or a run to resume, got {holds}; choose another"
        raise ValueError(msg)
    content_json = {"schema_version": 1, "profile": name, "profile_sha256": content, "started_utc": _now()}
    atomic_write_text(folder / "run.json", json.dumps(content_json, indent=1) + "\n")
    return folder, False


def _read(folder: Path) -> dict[str, Any]:
    try:
        content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
