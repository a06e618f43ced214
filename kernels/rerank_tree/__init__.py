"""The best candidates of a drafted pool as one connected tree, where they lie."""

from typing import NamedTuple

import torch

from offbook.kernels.implementation import triton_runs
from offbook.kernels.rerank_tree import reference

__all__ = ["Reranked", "rerank_tree"]


class Reranked(NamedTuple):
    """A tree in the form that verification takes it (`kernels.verify_tree`), nodes in the order of the pool.

    Attributes:
        told_M: whether a score was NaN, so that there is no order, then tokens, parents, depths and positions, int64:
            all that a host reads at once.
        words_NW: ancestors of each node and the node itself as 64-bit words, int64: bit b of word w is node 64 w + b.
        scores_N: of each node, fp32; the root's is 0.
    """

    told_M: torch.Tensor
    words_NW: torch.Tensor
    scores_N: torch.Tensor

    @property
    def undefined(self) -> torch.Tensor:
        """1 where a score was NaN, 0-d; the tree means nothing then."""
        return self.told_M[0]

    @property
    def tokens_N(self) -> torch.Tensor:  # noqa: N802
        """Of each node, the root's first."""
        return self._row(0)

    @property
    def parents_N(self) -> torch.Tensor:  # noqa: N802
        """Of each node, -1 of the root."""
        return self._row(1)

    @property
    def depths_N(self) -> torch.Tensor:  # noqa: N802
        """Of each node below the root."""
        return self._row(2)

    @property
    def positions_N(self) -> torch.Tensor:  # noqa: N802
        """Of each node in the text."""
        return self._row(3)

    def _row(self, row: int) -> torch.Tensor:
        N = self.scores_N.shape[0]
        return self.told_M[1 + row * N : 1 + (row + 1) * N]


def rerank_tree(
    scores_P: torch.Tensor,
    tokens_P: torch.Tensor,
    parents_P: torch.Tensor,
    root: torch.Tensor,
    *,
    keep: int,
    start: torch.Tensor | None = None,
    implementation: str = "auto",
) -> Reranked:
    """The best `keep` candidates, or all where there are fewer.

    Args:
        scores_P: cumulative log-probabilities, of any floating type, compared in fp32; never larger than the parent's.
        tokens_P: int64.
        parents_P: pool index of the parent, int64, -1 for the root; parents precede children.
        root: the root's token, 0-d int64.
        keep: candidates to keep, the root not counted.
        start: the root's position, 0-d int64; None for 0.
        implementation: see `kernels.implementation`.
    """
    if triton_runs(scores_P, implementation):
        return Reranked(*_rerank_tree(scores_P, tokens_P, parents_P, root, start, keep, implementation))
    return Reranked(*reference.rerank(scores_P, tokens_P, parents_P, root, start, keep))


@torch.library.custom_op("offbook::rerank_tree", mutates_args=())
def _rerank_tree(
    scores_P: torch.Tensor,
    tokens_P: torch.Tensor,
    parents_P: torch.Tensor,
    root: torch.Tensor,
    start: torch.Tensor | None,
    keep: int,
    implementation: str,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    if not triton_runs(scores_P, implementation):
        return reference.rerank(scores_P, tokens_P, parents_P, root, start, keep)
    from offbook.kernels.rerank_tree import triton as kernels

    return kernels.rerank(scores_P.contiguous(), tokens_P.contiguous(), parents_P.contiguous(), root, start, keep)


@_rerank_tree.register_fake
def _(
    scores_P: torch.Tensor,
    tokens_P: torch.Tensor,
    parents_P: torch.Tensor,
    root: object,
    start: object,
    keep: int,
    _: str,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    nodes = 1 + min(keep, scores_P.shape[0])
    return (
        tokens_P.new_empty(1 + 4 * nodes),
        tokens_P.new_empty(nodes, -(-nodes // 64)),
        scores_P.new_empty(nodes, dtype=torch.float32),
    )
