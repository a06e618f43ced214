"""In which number format a training multiplies matrices: as asked, or for "auto" as the machine can.

A training keeps what it began with, on whatever machine it goes on: its losses, its tables and its record are then of
one precision. What was asked belongs to the settings, and so to every key; what was used is written into the record.
"""

from pathlib import Path
from typing import Literal, cast, get_args

import torch

from offbook.engine.files import atomic_write_text
from offbook.engine.machine import has_bf16
from offbook.engine.students.config import MixedPrecision
from offbook.engine.unusable import UnusableError

Precision = Literal["no", "bf16"]  # what is used

NAMES = {"no": "float32", "bf16": "bfloat16"}


def choose(asked: MixedPrecision, device: torch.device) -> Precision:
    """What a training that begins now uses."""
    if asked == "auto":
        return "bf16" if has_bf16(device) else "no"
    return asked


def autocast(precision: Precision, device: torch.device) -> torch.autocast:
    """Inside, torch multiplies matrices in this precision on this kind of device."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def precision_of(folder: Path, asked: MixedPrecision, device: torch.device) -> Precision:
    """What the training in this folder uses: what it began with, or else `choose`.

    Raises:
        ValueError: a damaged note of what it began with.
    """
    note = _note(folder)
    if asked != "auto" or not note.is_file():
        return choose(asked, device)
    began = note.read_text(encoding="utf-8", errors="replace")
    if began not in get_args(Precision):
        msg = f"{note}: expected no or bf16, got {began!r:.40}; delete {folder} to begin anew"
        raise UnusableError(msg, note)
    return cast(Precision, began)


def keep_precision(folder: Path, precision: Precision) -> None:
    """Notes what the training in this folder uses, until it is finished."""
    if not _note(folder).is_file():
        atomic_write_text(_note(folder), precision)


def say_precision(folder: Path, asked: MixedPrecision, device: torch.device) -> str:
    """For people: what the training in this folder uses, why, and what it costs where the machine would rather not."""
    used = precision_of(folder, asked, device)
    line = f"matrices in {NAMES[used]} (mixed precision {asked})"
    if used == "bf16" and not has_bf16(device):
        better = f"it began so elsewhere; delete {folder} to begin anew" if asked == "auto" else "ask for auto or no"
        return f"{line}, although this machine has no bfloat16 in hardware, so it may take 20 times as long: {better}"
    if asked == "auto" and used != choose(asked, device):
        return f"{line}, as it began so on a machine without bfloat16 in hardware"
    return line


def _note(folder: Path) -> Path:
    return folder / "state" / "precision"
