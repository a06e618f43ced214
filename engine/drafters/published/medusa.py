"""Medusa's heads (github.com/FasterDecoding/Medusa): a file of heads alone, in both of its layouts.

    {i}.0.linear.{weight,bias}   (H, H), (H)   the residual block of head i
    {i}.1.weight                 (V, H)        its own language-model head (Medusa-1 as published), or none, and the
                                               target's is read (the trainer of `version: "2"`)

Heads are counted by keys: public configs say 2 where the files hold 5.
"""

import re

import torch

from offbook.engine.drafters.published.files import CONFIG, PublishedDraft
from offbook.engine.drafters.published.reading import Reading, TargetShape, accounted
from offbook.engine.quoting import quoted

MEDUSA = "Medusa-1"
BLOCK = re.compile(r"([0-9]+)\.([0-9]+)\.linear\.weight")


def read_medusa(draft: PublishedDraft, target: TargetShape) -> Reading:
    """Reads heads with or without language-model heads of their own.

    Raises:
        ValueError: the keys or the target do not fit, or a head has several blocks.
    """
    blocks = [match for match in map(BLOCK.fullmatch, draft.tensors) if match]
    if several := sorted(match[0] for match in blocks if match[2] != "0"):
        msg = (
            f"{draft.place}: expected one residual block a head, got {quoted(several[0])}; offbook's medusa has one, "
            "as all published ones do"
        )
        raise ValueError(msg)
    heads = len(blocks)
    own = any(f"{i}.1.weight" in draft.tensors for i in range(heads))
    target.check(
        _size(draft.tensors.get("0.0.linear.weight"), -1, target.layer.hidden_size),
        _size(draft.tensors.get("0.1.weight"), 0, target.vocab_size),
        draft.place,
    )
    hidden = target.layer.hidden_size
    names: dict[str, tuple[str, tuple[int, ...]]] = {
        **{f"{i}.0.linear.weight": (f"blocks.{i}.weight", (hidden, hidden)) for i in range(heads)},
        **{f"{i}.0.linear.bias": (f"blocks.{i}.bias", (hidden,)) for i in range(heads)},
        **({f"{i}.1.weight": (f"heads.{i}", (target.vocab_size, hidden)) for i in range(heads)} if own else {}),
    }
    shapes = {key: shape for key, (_, shape) in names.items()}
    tensors, ignored = accounted(draft.tensors, shapes, draft.place, format_name=MEDUSA)
    said = draft.config.get("medusa_num_heads")
    return Reading(
        layer=target.layer,
        tensors={names[key][0]: tensor for key, tensor in tensors.items()},
        token_ids=torch.arange(target.vocab_size),
        ignored=ignored,
        notes=[]
        if said in (None, heads)
        else [f"{draft.folder / CONFIG}: says medusa_num_heads {quoted(said)}, the file has {heads}: the file decides"],
    )


def _size(tensor: torch.Tensor | None, axis: int, otherwise: int) -> int:
    """Of a matrix; a file without it is refused by its keys."""
    return int(tensor.shape[axis]) if tensor is not None and tensor.dim() == 2 else otherwise
