"""A published draft model becomes a drafter: offbook's checkpoint, whole or absent, which says where it came from.

What nobody wrote down stays unknown: on what and for which weights it was trained. It is bound to the target that its
user names, since the file names none; its copy of the target's embedding, where there is one, tells whether that fits.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.drafters.architecture import DraftArchitecture
from offbook.engine.drafters.checkpoint import TargetName, check_plain, save_drafter
from offbook.engine.drafters.published.files import REMEDY, PublishedDraft
from offbook.engine.drafters.published.formats import Format
from offbook.engine.drafters.published.reading import Reading, TargetShape
from offbook.engine.drafters.train import STATE
from offbook.engine.files import atomic_write_text
from offbook.engine.finite import check_weights
from offbook.engine.resuming.state import is_finished
from offbook.engine.unusable import UnusableError

UNKNOWN = ("the weights it was trained for", "training prompts", "training tokens")
# Of an embedding that was rounded on one of two ways: bf16 keeps eight bits.
RTOL, ATOL = 2**-7, 1e-4
ROWS = 4096  # compared at a time


def fingerprint(draft: PublishedDraft, architecture: str, target: TargetName) -> str:
    """What determines the drafter: the bytes of its files, and whose it becomes."""
    what = [dict(draft.files), architecture, asdict(target)]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def convert(
    draft: PublishedDraft,
    known: Format,
    architecture: DraftArchitecture,
    backbone: Backbone,
    folder: Path,
    *,
    target: TargetName,
    say: Callable[[str], object],
) -> Path:
    """Writes a drafter into `folder` and returns that; a finished one of the same files and target is left as it is.

    Args:
        draft: as it was read.
        known: its format.
        architecture: what decodes with it.
        backbone: the target.
        folder: becomes the drafter.
        target: its name and hash, written into the checkpoint.
        say: is told in a line each what its user should know.

    Raises:
        ValueError: it does not fit the target, a tensor is no plain or finite one, or the folder holds something else.
        OSError: the folder cannot be written; it names the path.
    """
    made_of = fingerprint(draft, architecture.name, target)
    if is_finished(folder / "config.json", made_of, "imported", "fingerprint"):
        return folder
    assert known.read is not None
    reading = known.read(draft, TargetShape.of(backbone))
    if reading.taps != architecture.taps:
        msg = (
            f"{draft.place}: expected a draft model of the target's hidden states {list(architecture.taps)}, got one "
            f"of {list(reading.taps)}; offbook's {architecture.name} cannot read those"
        )
        raise ValueError(msg)
    network = _network(draft, architecture, reading)
    same = _is_of_target(reading.embedding_VH, backbone.embedding_VH)
    for line in (*reading.notes, _about_target(draft, target, same)):
        say(line)
    state = folder / STATE / "fingerprint"
    if state.exists() and state.read_bytes() != made_of.encode():
        msg = f"{folder}: holds an unfinished training or import of something else; choose another folder"
        raise UnusableError(msg, state)
    atomic_write_text(state, made_of)  # so that a folder with weights and no config is known for ours
    save_drafter(
        folder,
        network,
        reading.token_ids,
        layer=reading.layer,
        architecture=architecture.name,
        target=target,
        vocab_size=backbone.embedding_VH.shape[0],
        training={},
        imported={
            "format": known.name,
            "files": dict(draft.files),
            "ignored": list(reading.ignored),
            "embedding_is_the_targets": same,
            "unknown": list(UNKNOWN),
            "fingerprint": made_of,
        },
    )
    shutil.rmtree(state.parent, ignore_errors=True)
    return folder


def _network(draft: PublishedDraft, architecture: DraftArchitecture, reading: Reading) -> torch.nn.Module:
    """The network with these weights.

    Raises:
        ValueError: they are quantised, not finite, or another network's.
    """
    try:
        check_plain(reading.tensors)
        with torch.device("meta"):
            network = architecture.network(reading.layer, reading.tensors)
        network.load_state_dict(dict(reading.tensors), strict=True, assign=True)
    except (RuntimeError, TypeError, ValueError) as error:
        problem = " ".join(str(error).split())
        msg = f"{draft.place}: expected the tensors of {architecture.name!r}, got {problem:.300}; {REMEDY}"
        raise ValueError(msg) from error
    check_weights(reading.tensors.items(), draft.place, REMEDY)
    return network


def _is_of_target(theirs_VH: torch.Tensor | None, ours_VH: torch.Tensor) -> bool | None:
    """Whether a copy of an embedding is the target's, but for rounding; None without one."""
    if theirs_VH is None:
        return None
    pairs = zip(theirs_VH.split(ROWS), ours_VH.detach().split(ROWS), strict=True)
    return all(torch.allclose(theirs.float(), ours.cpu().float(), rtol=RTOL, atol=ATOL) for theirs, ours in pairs)


def _about_target(draft: PublishedDraft, target: TargetName, same: bool | None) -> str:
    if same is None:
        return f"{draft.place} does not say for which weights it was trained; it is bound to {target.name}, as asked"
    if same:
        return f"{draft.place}: its copy of the embedding is that of {target.name}"
    return (
        f"{draft.place}: its copy of the embedding is not that of {target.name}, so it was trained for other weights; "
        "answers stay the target's, and fewer candidates may be right"
    )
