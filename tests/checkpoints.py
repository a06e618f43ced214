"""A student as its training leaves it, without the training: a tiny model and a sealed record."""

import json
from pathlib import Path
from typing import Any

from offbook.engine.resuming.seal import sealed
from offbook.engine.students.record import RECORD
from tests.tiny import save_tiny


def save_student(folder: Path, *, seed: int = 0, **changes: Any) -> Path:
    """A folder that every command takes for a finished student; `changes` are fields of its record."""
    save_tiny(folder, seed=seed, max_position_embeddings=4096)
    record = {
        "schema_version": 1,
        "method": "uniform_rationales",
        "fingerprint": "0" * 64,
        "config": {"gradient_tokens": 900, "learning_rate": 1e-4, "seed": seed},
        "options": {},
        "identity": {"model": "ab" * 32, "corpus": "cd" * 32},
        "mixed_precision": "no",
        "processes": 1,
        "machine": {},
        "distinct_sequences": 8,
        "sequences": [],
        "prepared_s": 0.0,
        "gradient_tokens": 905,
        "kept_tokens": 905,
        "steps": 3,
        "wall_s": 2.0,
        "peak_bytes": 2**20,
        "evaluations": [],
        "saved_dtype": "float32",
    }
    path = folder / RECORD
    path.write_text(json.dumps(sealed(record | changes, path), indent=1, sort_keys=True))
    return folder
