"""Trained drafters as artifacts: made once under the hash of what determines them, described for records."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open

from offbook.engine.complaints import complaint
from offbook.engine.text import read_json
from offbook.harness.progress import Progress, Silent
from offbook.harness.record import DrafterInfo, canonical_sha256
from offbook.harness.roster import Contender
from offbook.harness.target import Target

if TYPE_CHECKING:
    from offbook.engine.training.answers import Answer
    from offbook.engine.training.drafter_training import TrainingConfig

WEIGHTS = "model.safetensors"
NOT_TRAINED = "draft_token_ids"


def drafter_folder(
    root: Path, contender: Contender, target: Target, answers: "Sequence[Answer]", config: "TrainingConfig"
) -> Path:
    """Where the drafter that these would give lies below `root`, trained or not."""
    assert contender.architecture is not None
    rows = [asdict(answer) for answer in answers]
    what = {
        "architecture": contender.architecture().name,
        "target": target.weights_sha256,
        "dtype": target.dtype,
        "answers": hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest(),
        "config": asdict(config),
    }
    return root / f"drafter-{contender.name}-{canonical_sha256(what)[:12]}"


def train(
    contender: Contender,
    target: Target,
    answers: "Sequence[Answer]",
    config: "TrainingConfig",
    folder: Path,
    *,
    features_dir: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Trains a contender's drafter into `folder`, or finishes what an earlier call left there.

    Raises:
        ValueError: a contender that needs no drafter.
    """
    from offbook.engine.training.drafter_training import train_drafter

    told = progress or Silent()
    if contender.architecture is None:
        msg = f"{contender.name}: expected a contender with a trained drafter, got one that needs none"
        raise ValueError(msg)
    return train_drafter(
        target.backbone,
        contender.architecture(),
        answers,
        config,
        folder,
        target=target.identity,
        features_dir=features_dir,
        progress=lambda p: told.update(p.done, p.total, f"{p.stage} {p.message}".strip()),
    )


def fingerprint(folder: Path) -> str:
    """SHA-256 of a drafter's weights.

    Raises:
        ValueError: there are none.
    """
    path = folder / WEIGHTS
    if not path.is_file():
        msg = f"{folder}: expected a drafter ({WEIGHTS}), found none; make one with `offbook train-drafter`"
        raise ValueError(msg)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def describe(folder: Path) -> DrafterInfo:
    """Size and training of a drafter, from its files' headers.

    Raises:
        ValueError: they are damaged.
    """
    config = read_json(folder / "config.json", what="a drafter's config", remedy="train it anew")
    try:
        with safe_open(folder / WEIGHTS, "pt") as file:
            trained = [name for name in file.keys() if name != NOT_TRAINED]  # noqa: SIM118 (no mapping)
            parameters = sum(math.prod(file.get_slice(name).get_shape()) for name in trained)
        return DrafterInfo(parameters=parameters, training_tokens=config.get("training", {}).get("answer_tokens"))
    except (SafetensorError, OSError, AttributeError, ValidationError) as error:
        told = complaint(error).told("its config") if isinstance(error, ValidationError) else str(error)
        found = " ".join(told.split())
        msg = f"{folder}: expected a drafter whose files are whole, got {found:.200}; train it anew"
        raise ValueError(msg) from error
