"""In which number format a training multiplies matrices: as asked, or for "auto" in which the machine is faster.

Not every CPU that has bfloat16 in hardware is faster with it: where AVX512-BF16 stands beside full-width fp32 units and
no AMX, a bfloat16 product takes longer. So on a CPU a product of a training's size is timed in both, once a
process; the difference is large in either direction.

A training keeps what it began with, on whatever machine it goes on: its losses, its tables and its record are then of
one precision. What was asked belongs to the settings, and so to every key; what was used is written into the record.
"""

import math
import time
from functools import cache
from pathlib import Path
from typing import Literal, cast, get_args

import torch
from torch.nn import functional

from offbook.engine.files import atomic_write_text
from offbook.engine.machine import has_bf16
from offbook.engine.students.config import MixedPrecision
from offbook.engine.unusable import UnusableError

Precision = Literal["no", "bf16"]  # what is used

NAMES = {"no": "float32", "bf16": "bfloat16"}
PAYS = 1.2  # times as fast; less is eaten by the conversions
ROWS, WIDTH, ROUNDS = 256, 1024, 5


def choose(asked: MixedPrecision, device: torch.device) -> Precision:
    """What a training that begins now uses."""
    if asked == "auto":
        return "bf16" if pays(device) else "no"
    return asked


def pays(device: torch.device) -> bool:
    """Whether matrices are multiplied faster in bfloat16 on a device."""
    return has_bf16(device) and (device.type != "cpu" or _is_faster_on_this_cpu())


@cache
def _is_faster_on_this_cpu() -> bool:
    """By the fastest of a few products each, in turn; 0.1 s."""
    x_MK, w_NK = torch.ones(ROWS, WIDTH), torch.ones(WIDTH, WIDTH)
    pairs = {dtype: (x_MK.to(dtype), w_NK.to(dtype)) for dtype in (torch.float32, torch.bfloat16)}
    fastest_s = dict.fromkeys(pairs, math.inf)
    for _ in range(1 + ROUNDS):  # the first of a shape is slower
        for dtype, (x, w) in pairs.items():
            start = time.perf_counter()
            functional.linear(x, w)
            fastest_s[dtype] = min(fastest_s[dtype], time.perf_counter() - start)
    return fastest_s[torch.float32] > PAYS * fastest_s[torch.bfloat16]


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
        return f"{line}, as it began so on another machine; here {NAMES[choose(asked, device)]} is faster"
    if used == "bf16" and not pays(device):
        return f"{line}, although float32 is faster on this machine: ask for auto or no"
    if asked == "auto" and used == "no" and has_bf16(device):
        return f"{line}: faster here than bfloat16, though the machine has that in hardware"
    return line


def _note(folder: Path) -> Path:
    return folder / "state" / "precision"
