"""Trained drafters as artifacts: made once under the hash of what determines them, described for records."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from offbook.engine.progress import Progress, Silent
from offbook.harness.artifacts.manifest import artifact_folder
from offbook.harness.artifacts.recipes import DrafterRecipe, JointDrafterRecipe
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.spent import spending
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.drafter_info import CONFIG
from offbook.harness.roster.target import Target

if TYPE_CHECKING:
    from offbook.engine.drafters.answers import Answer
    from offbook.engine.drafters.config import TrainingConfig


def drafter_folder(
    root: Path,
    contender: Contender,
    target: Target,
    answers: "Sequence[Answer]",
    config: "TrainingConfig",
    variant: Mapping[str, JsonValue] | None = None,
) -> Path:
    """Where the drafter that these would give lies below `root`, trained or not."""
    assert contender.architecture is not None
    rows = [asdict(answer) for answer in answers]
    what = {
        "architecture": contender.trained(variant or {}).name,
        "target": target.weights_sha256,
        "dtype": target.dtype,
        "answers": hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest(),
        "config": {"dev_fraction": config.dev_fraction} if contender.counted else asdict(config),
        **({"variant": dict(variant)} if variant else {}),
    }
    return root / f"drafter-{contender.name}-{canonical_sha256(what)[:12]}"


def folder_in(run: Path, drafter: DrafterRecipe | JointDrafterRecipe | str) -> Path:
    """Where a run has a drafter: among its artifacts, below the student that it was trained with, or where it says."""
    if isinstance(drafter, JointDrafterRecipe):
        return artifact_folder(run, "student", drafter.student.key()) / drafter.decoder
    if isinstance(drafter, DrafterRecipe):
        return artifact_folder(run, "drafter", drafter.key())
    return Path(drafter)


def is_one(folder: Path) -> bool:
    """Whether a folder holds a drafter, finished or with its training interrupted."""
    from offbook.engine.drafters.train import STATE

    if (folder / STATE).is_dir():
        return True
    try:
        return "architecture" in json.loads((folder / CONFIG).read_bytes())
    except (OSError, ValueError, TypeError, RecursionError):
        return False


def train(
    contender: Contender,
    target: Target,
    answers: "Sequence[Answer]",
    config: "TrainingConfig",
    folder: Path,
    *,
    variant: Mapping[str, JsonValue] | None = None,
    features_dir: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Trains a contender's drafter into `folder`, or finishes what an earlier call left there: whoever asks for one.

    Args:
        contender: whose.
        target: what it will draft for.
        answers: the target's own, which it learns from.
        config: how.
        folder: becomes the drafter.
        variant: settings of the contender's own network and objective; the defaults where there are none.
        features_dir: where the target's features are kept, which whoever named it removes; None computes them
            anew every epoch.
        progress: is told how far it is.

    Raises:
        ValueError: a contender that needs no drafter, settings that its has not, a draft vocabulary beyond the
            target's, or see `train_drafter`.
    """
    from offbook.engine.drafters.counted import count_drafter
    from offbook.engine.drafters.ngrams import CountedArchitecture
    from offbook.engine.drafters.train import train_drafter
    from offbook.engine.drafters.vocabulary import check_size

    told = progress or Silent()
    if contender.architecture is None:
        msg = f"{contender.name}: expected a contender with a trained drafter, got one that needs none"
        raise ValueError(msg)
    architecture, vocab_size = contender.trained(variant or {}), target.backbone.embedding_VH.shape[0]
    if isinstance(architecture, CountedArchitecture):
        with spending("training"):
            return count_drafter(
                architecture,
                answers,
                folder,
                target=target.identity,
                vocab_size=vocab_size,
                dev_fraction=config.dev_fraction,
            )
    check_size(config.draft_vocab_size, vocab_size)
    with spending("training"):
        trained = train_drafter(
            target.backbone,
            architecture,
            answers,
            config,
            folder,
            target=target.identity,
            features_dir=features_dir,
            progress=lambda p: told.update(p.done, p.total, f"{p.stage} {p.message}".strip()),
        )
    told.say(outside_draft_vocabulary(trained))
    return trained


def outside_draft_vocabulary(folder: Path) -> str:
    """What a trained drafter can never propose, for people."""
    config = json.loads((folder / CONFIG).read_bytes())
    shares = config["training"]["outside_draft_vocabulary"]
    told = [f"{100 * share:.1f} % of {name} prompts" for name, share in shares.items() if share is not None]
    size = config["draft_vocab_size"]
    return f"answer tokens outside the draft vocabulary of {size:,}: {', '.join(told) or 'no answers'}"
