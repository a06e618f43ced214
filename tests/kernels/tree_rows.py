"""Queries of random trees behind caches, for tests of attention; whatever lies behind a tree in a cache is NaN."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from offbook.kernels.tree_attention import TreeMask, Visible, pack_words, reference, tree_attention
from tests.kernels.three_ways import no_worse


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Of B sequences with trees of T nodes each; `positions_BT` are the nodes'."""

    q: torch.Tensor
    k: torch.Tensor
    v: torch.Tensor
    mask: TreeMask
    positions_BT: torch.Tensor


def tree_rows(
    *,
    heads: int = 3,
    groups: int = 1,
    nodes: int = 5,
    lengths: Sequence[int] = (20,),
    size: int = 16,
    spare: int = 3,
    dtype: torch.dtype = torch.float32,
    device: str = "cpu",
    seed: int = 0,
) -> Rows:
    """One sequence a length, with keys and values that fill capacity but for `spare` rows in the longest."""
    generator = torch.Generator().manual_seed(seed)
    batch, capacity = len(lengths), max(lengths) + nodes + spare
    q = torch.randn(batch, nodes, heads, size, generator=generator).transpose(1, 2)
    k, v = torch.randn(2, batch, groups, capacity, size, generator=generator)
    sees_BTT = torch.eye(nodes, dtype=torch.bool).repeat(batch, 1, 1)
    depths_BT = torch.zeros(batch, nodes, dtype=torch.long)
    for b, length in enumerate(lengths):
        for node in range(1, nodes):
            parent = int(torch.randint(max(0, node - 6), node, (), generator=generator))
            sees_BTT[b, node] |= sees_BTT[b, parent]
            depths_BT[b, node] = depths_BT[b, parent] + 1
        k[b, :, length + nodes :] = v[b, :, length + nodes :] = float("nan")
    length_B = torch.tensor(lengths, dtype=torch.int32)
    positions_BT = length_B[:, None] + depths_BT
    q, k, v = (x.to(device, dtype) for x in (q, k, v))
    mask = TreeMask(
        words_BTW=pack_words(sees_BTT).to(device),
        length_B=length_B.to(device),
        rows=nodes,
        positions_BN=positions_BT.to(device),
    )
    return Rows(q=q, k=k, v=v, mask=mask, positions_BT=positions_BT.to(device))


def holds_three_ways(rows: Rows, visible: Visible | None = None, **options: Any) -> None:
    """The kernel errs no more than torch in the dtype of the rows; by default under their own mask."""
    visible = rows.mask if visible is None else visible
    options = {"scale": rows.q.shape[-1] ** -0.5, "positions_BT": rows.positions_BT, **options}
    found = tree_attention(rows.q, rows.k, rows.v, visible, **options, implementation="triton")
    own = reference.tree_attention(rows.q, rows.k, rows.v, visible, **options)
    truth = reference.tree_attention(rows.q.double(), rows.k.double(), rows.v.double(), visible, **options)
    no_worse(found, own, truth)
