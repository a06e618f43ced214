"""What a drafter's or a student's folder says of the prompts that it was trained on."""

from pathlib import Path
from typing import Any

from offbook.engine.text import read_json
from offbook.engine.trained_on import UNKNOWN, TrainedOn, read_trained_on
from offbook.harness.roster.drafter_info import CONFIG

RECORD = "distillation.json"  # as `engine.students.train` calls it; importing that would take torch


def drafter_trained_on(folder: Path) -> TrainedOn:
    """Of a drafter.

    Raises:
        ValueError: a damaged config, or a list that is not this drafter's.
    """
    config = _record(folder / CONFIG, "a drafter's config")
    training = config.get("training")
    return read_trained_on(folder, training.get("trained_on")) if isinstance(training, dict) else UNKNOWN


def student_trained_on(folder: Path) -> TrainedOn | None:
    """Of a model in a folder; None where no method of distillation made it.

    Raises:
        ValueError: a damaged record, or a list that is not this student's.
    """
    if not (folder / RECORD).is_file():
        return None
    return read_trained_on(folder, _record(folder / RECORD, "a student's record").get("trained_on"))


def _record(path: Path, what: str) -> dict[str, Any]:
    found = read_json(path, what=what, remedy="train it anew")
    if not isinstance(found, dict):
        msg = f"{path}: expected {what}, got something else; train it anew"
        raise ValueError(msg)
    return found
