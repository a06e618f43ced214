"""Cache compaction in plain torch: the specification.

After verification the accepted path lies scattered among the rows of the tree. Rows are gathered first and
written afterwards, so source and destination may overlap.
"""

import torch


def compact_cache(
    storage_NBGSD: torch.Tensor, start: int | torch.Tensor, path: torch.Tensor, count: torch.Tensor | None = None
) -> None:
    """Copies cache rows `start + path` to `start, start + 1, ...`, in place.

    Args:
        storage_NBGSD: keys and values of all layers stacked in front; S is the row dimension.
        start: first row behind the committed ones; as a tensor of one number it may lie on the device.
        path: (n,) rows counted from `start`, ascending; start + n is at most S.
        count: how many of them stand, one number; None for all. What the others say means nothing.
    """
    if storage_NBGSD.is_contiguous():
        storage_NBGSD = storage_NBGSD.view(-1, *storage_NBGSD.shape[-2:])  # torch takes longer over more dimensions
    if count is not None:
        steps = torch.arange(path.shape[0], device=path.device)
        path = path.where(steps < count, steps)  # each of the others stays where it is
    rows = storage_NBGSD.index_select(-2, start + path)
    if isinstance(start, int):
        storage_NBGSD.narrow(-2, start, path.shape[0]).copy_(rows)
    else:
        storage_NBGSD.index_copy_(-2, start + torch.arange(path.shape[0], device=path.device), rows)
