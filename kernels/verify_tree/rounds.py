"""Rounds as tensors, verified on the host by the specification: what a device has to find.

Shapes: B rounds with trees of one form, N nodes, V vocabulary, T laws that take turns, S seeds a round.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from offbook.kernels.verify_tree.drawn import Seeded, verify_drawn
from offbook.kernels.verify_tree.race import Bools, Ints, Seeds, draw
from offbook.kernels.verify_tree.reference import verify

NOTHING = -1  # is said behind a node whose logits are not finite; no candidate has this id


class Trees(NamedTuple):
    """Trees of one form, all int64.

    Attributes:
        tokens_BN: of each node, root first.
        parents_N: parents come before children, the root's is -1; a further node with parent -1 is none.
        depths_N: of each node below the root.
        seeds_BS: below 2^63; the draw behind a node takes the one of its depth.
        taken: how many of them earlier rounds have taken, 0-d; None for none.
    """

    tokens_BN: torch.Tensor
    parents_N: torch.Tensor
    depths_N: torch.Tensor
    seeds_BS: torch.Tensor | None
    taken: torch.Tensor | None

    @property
    def seeds(self) -> int:
        """How many a round has."""
        return 0 if self.seeds_BS is None else self.seeds_BS.shape[1]


def rounds_given(logits_BNV: torch.Tensor, trees: Trees, temperature: float) -> torch.Tensor:
    """Candidates that are given: (B, 2 + N), how many nodes stand, the bonus token, and these nodes.

    The walk of a round ends before logits that are not finite, and `NOTHING` is its bonus token. fp64 stays fp64.
    """
    finite_BN = logits_BNV.amax(dim=-1).isfinite().numpy(force=True)
    logits_BNV = logits_BNV if logits_BNV.dtype == torch.float64 else logits_BNV.float()
    array_BNV, depths_N = logits_BNV.numpy(force=True), trees.depths_N.tolist()

    def say(node: int, rounds_R: Ints) -> Ints:
        finite_R = finite_BN[rounds_R, node]
        said_R, rounds_F = np.full(len(rounds_R), NOTHING), rounds_R[finite_R]
        if not temperature:
            said_R[finite_R] = array_BNV[rounds_F, node].argmax(axis=-1)
        elif len(rounds_F):
            logits_FV = torch.from_numpy(array_BNV[rounds_F, node])
            probs_FV = (logits_FV / temperature).softmax(dim=-1).numpy()
            said_R[finite_R] = draw(probs_FV, _seeds(trees)[rounds_F, depths_N[node]])
        return said_R

    return _told(trees, *verify(say, trees.tokens_BN.numpy(force=True), _children(trees)))


def rounds_drawn(p_BNV: torch.Tensor, q_BNTV: torch.Tensor, trees: Trees) -> torch.Tensor:
    """Candidates that were drawn; see `rounds_given`. A law that is NaN is that of logits that were not finite."""
    p_BNW, q_BNTW = (torch.nn.functional.pad(law, (0, 1)).double().numpy(force=True) for law in (p_BNV, q_BNTV))
    undefined_BN = np.isnan(p_BNW[:, :, 0])
    p_BNW[undefined_BN] = np.eye(p_BNW.shape[2])[-1]  # a token that stands for none is certain, and never a candidate
    last_B, bonus_B = verify_drawn(
        lambda node, rounds_R: p_BNW[rounds_R, node],
        lambda node, rounds_R: q_BNTW[rounds_R, node],
        trees.tokens_BN.numpy(force=True),
        _children(trees),
        Seeded(_seeds(trees)),
    )
    return _told(trees, last_B, np.where(undefined_BN[np.arange(len(last_B)), last_B], NOTHING, bonus_B))


def _seeds(trees: Trees) -> Seeds:
    """Those that are not taken yet."""
    assert trees.seeds_BS is not None, "draws need seeds"
    first = 0 if trees.taken is None else int(trees.taken)
    return trees.seeds_BS[:, first:].numpy(force=True).astype(np.uint64)


def _children(trees: Trees) -> list[list[int]]:
    children_N: list[list[int]] = [[] for _ in range(len(trees.parents_N))]
    for node, parent in enumerate(trees.parents_N.tolist()):
        if parent >= 0:
            children_N[parent].append(node)
    return children_N


def _told(trees: Trees, last_B: Ints, bonus_B: Ints) -> torch.Tensor:
    above_NN: Bools = np.eye(len(trees.parents_N), dtype=np.bool_)
    for node, parent in enumerate(trees.parents_N.tolist()):
        if parent >= 0:
            above_NN[node] |= above_NN[parent]
    on_path_BN = above_NN[last_B]
    count_B1 = on_path_BN.sum(axis=1, keepdims=True)
    path_BN: NDArray[np.int64] = np.argsort(~on_path_BN, axis=1, kind="stable")  # parents come before children
    path_BN[np.arange(path_BN.shape[1]) >= count_B1] = 0
    found = np.concatenate([count_B1, bonus_B[:, None], path_BN], axis=1).astype(np.int64)
    return torch.from_numpy(found).to(trees.tokens_BN.device)
