"""What the tensors of a drafter must be, whoever wrote them."""

from collections.abc import Mapping

import torch

TOKEN_IDS = "draft_token_ids"


def check_plain(tensors: Mapping[str, torch.Tensor]) -> None:
    """Refuses quantised weights, whose scales nobody would apply.

    Raises:
        ValueError: naming the first of them.
    """
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() or tensor.dtype.itemsize < 2:
            msg = f"{name} in {str(tensor.dtype).removeprefix('torch.')}, as quantised weights are"
            raise ValueError(msg)


def checked_ids(ids: torch.Tensor, vocab_size: int, draft_vocab_size: object) -> torch.Tensor:
    """The draft vocabulary's target ids, ascending.

    Raises:
        ValueError: not so many different ids of the target's vocabulary.
    """
    whole = ids.dtype == torch.int64 and ids.dim() == 1 and ids.numel() > 0
    if (
        not whole
        or ids.numel() != draft_vocab_size
        or bool((ids.diff() <= 0).any())
        or not 0 <= int(ids[0]) <= int(ids[-1]) < vocab_size
    ):
        msg = f"{TOKEN_IDS} that are not {draft_vocab_size} ascending ids below {vocab_size}"
        raise ValueError(msg)
    return ids
