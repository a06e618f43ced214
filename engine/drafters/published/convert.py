"""A published draft model becomes a drafter: offbook's checkpoint, whole or absent, which says where it came from.

What nobody wrote down stays unknown: on what and for which weights it was trained. It is bound to the target that its
user names, for a config has a name at most; its copy of the target's embedding, where there is one, tells whether
that fits.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.drafters.architecture import DraftArchitecture
from offbook.engine.drafters.checkpoint import TargetName, save_drafter
from offbook.engine.drafters.draft_tensors import check_plain
from offbook.engine.drafters.published.files import REMEDY, PublishedDraft
from offbook.engine.drafters.published.formats import Format
from offbook.engine.drafters.published.reading import Reading, TargetShape
from offbook.engine.drafters.train import STATE
from offbook.engine.files import atomic_write_text
from offbook.engine.finite import check_weights
from offbook.engine.quoting import quoted
from offbook.engine.resuming.state import is_finished
from offbook.engine.unusable import UnusableError

UNKNOWN = ("the weights it was trained for", "training prompts", "training tokens")
# Of an embedding that was rounded in one of two ways: bf16 keeps eight bits.
RTOL, ATOL = 2**-7, 1e-4
ROWS = 4096  # compared at a time


@dataclass(frozen=True, kw_only=True)
class FittedDraft:
    """A published draft model that fits a target, in offbook's network.

    Attributes:
        draft: as it was read.
        known: its format.
        architecture: what decodes with it.
        target: name and hash of the target.
        vocab_size: of that.
        reading: sizes, vocabulary and what was ignored.
        network: with its weights.
        same_embedding: whether its copy of the embedding is the target's; None without one.
    """

    draft: PublishedDraft
    known: Format
    architecture: DraftArchitecture
    target: TargetName
    vocab_size: int
    reading: Reading
    network: torch.nn.Module
    same_embedding: bool | None

    @property
    def fingerprint(self) -> str:
        """What determines the drafter: the bytes of its files, and whose it becomes."""
        what = [dict(self.draft.files), self.architecture.name, asdict(self.target)]
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()

    @property
    def notes(self) -> Sequence[str]:
        """What its user should know, a line each."""
        place, name = self.draft.place, self.target.name
        if self.same_embedding is None and self.draft.made_for is not None:
            said = quoted(self.draft.made_for)
            about = f"{place}: its config names {said}, and not its weights; it is bound to {name}, as asked"
        elif self.same_embedding is None:
            about = f"{place} does not say for which weights it was trained; it is bound to {name}, as asked"
        elif self.same_embedding:
            about = f"{place}: its copy of the embedding is that of {name}"
        else:
            about = (
                f"{place}: its copy of the embedding is not that of {name}, so it was trained for other weights; "
                "answers stay the target's, and fewer candidates may be right"
            )
        return [*self.reading.notes, about]


def fit(
    draft: PublishedDraft, known: Format, architecture: DraftArchitecture, backbone: Backbone, *, target: TargetName
) -> FittedDraft:
    """Reads a draft model for a target; nothing is written.

    Raises:
        ValueError: it does not fit the target or the architecture, or a tensor is no plain or finite one.
    """
    assert known.read is not None
    reading = known.read(draft, TargetShape.of(backbone))
    if len(reading.taps) != (count := len(architecture.taps(int(backbone.config.num_hidden_layers)))):
        msg = (
            f"{draft.place}: expected a draft model of {count} of the target's hidden states, got one of "
            f"{list(reading.taps)}; offbook's {architecture.name} cannot read those"
        )
        raise ValueError(msg)
    rows = 0 if architecture.own_head is None else len(reading.token_ids)
    layer = replace(reading.layer, taps=reading.taps, draft_vocab_size=rows)
    try:
        check_plain(reading.tensors)
        with torch.device("meta"):
            network = architecture.network(layer, reading.tensors)
        network.load_state_dict(dict(reading.tensors), strict=True, assign=True)
    except (RuntimeError, TypeError, ValueError) as error:
        problem = " ".join(str(error).split())
        msg = f"{draft.place}: expected the tensors of {architecture.name!r}, got {problem:.300}; {REMEDY}"
        raise ValueError(msg) from error
    check_weights(reading.tensors.items(), draft.place, REMEDY)
    return FittedDraft(
        draft=draft,
        known=known,
        architecture=architecture,
        target=target,
        vocab_size=backbone.embedding_VH.shape[0],
        reading=replace(reading, layer=layer),
        network=network,
        same_embedding=_is_the_same(reading.embedding_VH, backbone.embedding_VH),
    )


def write(fitted: FittedDraft, folder: Path) -> Path:
    """Writes the drafter into `folder` and returns that; a finished one of the same files and target stays as it is.

    Raises:
        ValueError: the folder holds something else.
        OSError: it cannot be written; it names the path.
    """
    made_of, state = fitted.fingerprint, folder / STATE
    if is_finished(folder / "config.json", made_of, "imported", "fingerprint"):
        return folder
    begun = state / "fingerprint"
    if begun.exists() and begun.read_bytes() != made_of.encode():
        msg = f"{folder}: holds an unfinished training or import of something else; choose another folder"
        raise UnusableError(msg, begun)
    atomic_write_text(begun, made_of)  # so that a folder with weights and no config is known for ours
    save_drafter(
        folder,
        fitted.network,
        fitted.reading.token_ids,
        layer=fitted.reading.layer,
        architecture=fitted.architecture.name,
        target=fitted.target,
        vocab_size=fitted.vocab_size,
        training={},
        imported={
            "format": fitted.known.name,
            "files": dict(fitted.draft.files),
            "ignored": list(fitted.reading.ignored),
            "embedding_is_the_targets": fitted.same_embedding,
            "unknown": list(UNKNOWN),
            "fingerprint": made_of,
        },
    )
    shutil.rmtree(state, ignore_errors=True)
    return folder


def _is_the_same(theirs_VH: torch.Tensor | None, ours_VH: torch.Tensor) -> bool | None:
    """Whether two embeddings are equal but for rounding."""
    if theirs_VH is None:
        return None
    pairs = zip(theirs_VH.split(ROWS), ours_VH.detach().split(ROWS), strict=True)
    return all(torch.allclose(theirs.float(), ours.cpu().float(), rtol=RTOL, atol=ATOL) for theirs, ours in pairs)
