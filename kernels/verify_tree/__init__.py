"""Which candidates of a tree the target accepts, and the bonus token behind them.

On the host: `verify` and `verify_drawn`, with `draw` and its `noise`. Of tensors, where they lie: `verify_tree` and
`verify_drawn_tree`.
"""

from dataclasses import dataclass

import torch

from offbook.kernels.implementation import triton_runs
from offbook.kernels.verify_tree.drawn import Seeded, verify_drawn
from offbook.kernels.verify_tree.race import draw, noise
from offbook.kernels.verify_tree.reference import verify
from offbook.kernels.verify_tree.rounds import NOTHING, Trees, rounds_drawn, rounds_given

__all__ = [
    "NOTHING",
    "Seeded",
    "Walked",
    "draw",
    "noise",
    "verify",
    "verify_drawn",
    "verify_drawn_tree",
    "verify_tree",
]


@dataclass(frozen=True)
class Walked:
    """What rounds came to, int64; views of one tensor, so that the host needs to read no more than that.

    Attributes:
        told: how many nodes stand, the bonus token, and these nodes, (..., 2 + N).
    """

    told: torch.Tensor

    @property
    def count(self) -> torch.Tensor:
        """How many nodes stand, the root among them, (...)."""
        return self.told[..., 0]

    @property
    def bonus(self) -> torch.Tensor:
        """The token behind the last of them, (...); `NOTHING` where its logits are not finite."""
        return self.told[..., 1]

    @property
    def path_N(self) -> torch.Tensor:  # noqa: N802
        """These nodes, ascending, (..., N); 0 behind the last."""
        return self.told[..., 2:]


def verify_tree(
    logits_NV: torch.Tensor,
    tokens_N: torch.Tensor,
    parents_N: torch.Tensor,
    depths_N: torch.Tensor,
    *,
    temperature: float = 0.0,
    seeds_S: torch.Tensor | None = None,
    taken: torch.Tensor | None = None,
    implementation: str = "auto",
) -> Walked:
    """One round, or (B, ...) rounds with trees of one form, without a word to the host.

    Args:
        logits_NV: the target's behind each node, of any floating type; minus infinity for a token that is left out.
            Triton reads fp64 as fp32.
        tokens_N: of the candidates, int64, root first; siblings carry different ones.
        parents_N: int64, (N,) also of several rounds; parents come before children, the root's is -1. A further node
            with parent -1 is none, so that trees of all sizes fit one size.
        depths_N: likewise, of each node below the root.
        temperature: divides the logits; 0 takes the first largest of them.
        seeds_S: of the draws, int64 and below 2^63, at least one for each depth of the tree behind those taken.
        taken: how many of them earlier rounds have taken, 0-d int64; None for none.
        implementation: see `kernels.implementation`.
    """
    assert (seeds_S is not None) or not temperature, "draws need seeds"
    one = logits_NV.dim() == 2
    logits_BNV, tokens_BN = (logits_NV[None], tokens_N[None]) if one else (logits_NV, tokens_N)
    seeds_BS = seeds_S[None] if one and seeds_S is not None else seeds_S
    trees = Trees(tokens_BN, parents_N, depths_N, seeds_BS, taken)
    if triton_runs(logits_NV, implementation):
        told_BM = _verify_tree(logits_BNV, *trees, temperature, implementation)
    else:
        told_BM = rounds_given(logits_BNV, trees, temperature)
    return Walked(told_BM[0] if one else told_BM)


def verify_drawn_tree(
    p_NV: torch.Tensor,
    q_NTV: torch.Tensor,
    tokens_N: torch.Tensor,
    parents_N: torch.Tensor,
    depths_N: torch.Tensor,
    *,
    seeds_S: torch.Tensor,
    taken: torch.Tensor | None = None,
    implementation: str = "auto",
) -> Walked:
    """The same for candidates that were drawn; see `verify_tree`.

    Args:
        p_NV: the target's law behind each node, fp32 or fp64; NaN where its logits are not finite.
        q_NTV: the law that each node's children were drawn from, or (N, T, V) the laws that took turns, as drawn.
        tokens_N: of the candidates, root first.
        parents_N: see `verify_tree`.
        depths_N: likewise.
        seeds_S: likewise.
        taken: likewise.
        implementation: likewise.
    """
    one = p_NV.dim() == 2
    p_BNV, q_BNTV, tokens_BN, seeds_BS = (side[None] if one else side for side in (p_NV, q_NTV, tokens_N, seeds_S))
    q_BNTV = q_BNTV[:, :, None] if q_BNTV.dim() == 3 else q_BNTV
    trees = Trees(tokens_BN, parents_N, depths_N, seeds_BS, taken)
    if triton_runs(p_NV, implementation):
        told_BM = _verify_drawn_tree(p_BNV, q_BNTV, *trees, implementation)
    else:
        told_BM = rounds_drawn(p_BNV, q_BNTV, trees)
    return Walked(told_BM[0] if one else told_BM)


@torch.library.custom_op("offbook::verify_tree", mutates_args=())
def _verify_tree(
    logits_BNV: torch.Tensor,
    tokens_BN: torch.Tensor,
    parents_N: torch.Tensor,
    depths_N: torch.Tensor,
    seeds_BS: torch.Tensor | None,
    taken: torch.Tensor | None,
    temperature: float,
    implementation: str,
) -> torch.Tensor:
    trees = Trees(tokens_BN, parents_N, depths_N, seeds_BS, taken)
    if not triton_runs(logits_BNV, implementation):
        return rounds_given(logits_BNV, trees, temperature)
    from offbook.kernels.verify_tree import triton as kernels

    return kernels.walk_given(logits_BNV, _contiguous(trees), temperature)


@torch.library.custom_op("offbook::verify_drawn_tree", mutates_args=())
def _verify_drawn_tree(
    p_BNV: torch.Tensor,
    q_BNTV: torch.Tensor,
    tokens_BN: torch.Tensor,
    parents_N: torch.Tensor,
    depths_N: torch.Tensor,
    seeds_BS: torch.Tensor | None,
    taken: torch.Tensor | None,
    implementation: str,
) -> torch.Tensor:
    trees = Trees(tokens_BN, parents_N, depths_N, seeds_BS, taken)
    if not triton_runs(p_BNV, implementation):
        return rounds_drawn(p_BNV, q_BNTV, trees)
    from offbook.kernels.verify_tree import triton as kernels

    return kernels.walk_drawn(p_BNV, q_BNTV, _contiguous(trees))


def _contiguous(trees: Trees) -> Trees:
    return Trees(*(None if side is None else side.contiguous() for side in trees))  # type: ignore[arg-type]


@_verify_tree.register_fake
def _(logits_BNV: torch.Tensor, tokens_BN: torch.Tensor, *_: object) -> torch.Tensor:
    return tokens_BN.new_empty(tokens_BN.shape[0], 2 + tokens_BN.shape[1])


@_verify_drawn_tree.register_fake
def _(p_BNV: torch.Tensor, q_BNTV: torch.Tensor, tokens_BN: torch.Tensor, *_: object) -> torch.Tensor:
    return tokens_BN.new_empty(tokens_BN.shape[0], 2 + tokens_BN.shape[1])
