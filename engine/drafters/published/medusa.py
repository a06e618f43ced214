"""Medusa's heads (github.com/FasterDecoding/Medusa): a file of heads alone, in both of its layouts, or a whole model.

    {i}.0.linear.{weight,bias}   (H, H), (H)   the residual block of head i
    {i}.1.weight                 (V, H)        its own language-model head (Medusa-1 as published), or none, and the
                                               target's is read (the trainer of `version: "2"`)
    medusa_head. + these                       among the tensors of the model that was trained with them (Medusa-2)

Heads are counted by keys: public configs say 2 where the files hold 5. Those of Medusa-2 are for the model around them,
which is read as any other target is, by the same folder.
"""

import re
from dataclasses import replace

import torch

from offbook.engine.drafters.published.files import CONFIG, EMBEDDING, HEADS, PublishedDraft
from offbook.engine.drafters.published.reading import EMBEDDING as COPY
from offbook.engine.drafters.published.reading import Reading, TargetShape, accounted, embedding_of
from offbook.engine.quoting import quoted

MEDUSA, MEDUSA2 = "Medusa-1", "Medusa-2"
BLOCK = re.compile(r"([0-9]+)\.([0-9]+)\.linear\.weight")
OF_A_MODEL = re.compile(r"model\.|lm_head\.")


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


def read_medusa2(draft: PublishedDraft, target: TargetShape) -> Reading:
    """Reads the heads of a whole model, whose own tensors are the target's.

    Raises:
        ValueError: the keys or the target do not fit, or a head has several blocks.
    """
    heads = {key.removeprefix(HEADS): tensor for key, tensor in draft.tensors.items() if key.startswith(HEADS)}
    others = sorted([*draft.others, *(key for key in draft.tensors if not key.startswith(HEADS))])
    if unknown := [key for key in others if not OF_A_MODEL.match(key)]:
        msg = (
            f"{draft.place}: expected a whole model and Medusa's heads, found no place for {quoted(unknown[0])}; it is "
            "another network, which offbook does not have"
        )
        raise ValueError(msg)
    found = read_medusa(replace(draft, tensors=heads), target)
    embedding = {key: tensor for key, tensor in draft.tensors.items() if key == EMBEDDING}
    shape = (target.vocab_size, target.layer.hidden_size)
    return replace(
        found,
        embedding_VH=embedding_of({COPY: embedding[EMBEDDING]} if embedding else {}, shape, draft.place),
        ignored=(*found.ignored, *others),
        notes=[*found.notes, f"{draft.place}: heads for the model that they were trained with: --model {draft.folder}"],
    )
