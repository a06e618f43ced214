"""Cache compaction in plain torch: the specification.

After verification the accepted path lies scattered among the rows of the tree. Rows are gathered first and
written afterwards, so source and destination may overlap.
"""

import torch


def compact_cache(storage_NBGSD: torch.Tensor, start: int, rows: torch.Tensor) -> None:
    """Copies cache rows `rows` (absolute, ascending, >= start) to `start, start + 1, ...`, in place.

    Args:
        storage_NBGSD: keys and values of all layers stacked in front; S is the row dimension.
        start: first destination row.
        rows: (n,) int64.
    """
    storage_NBGSD[..., start : start + rows.shape[0], :] = storage_NBGSD.index_select(-2, rows)
