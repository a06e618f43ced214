"""Verification of candidates that were *drawn* from a law that is known: the specification, for rounds side by side.

A node's children are drawn from its draft law q one after the other without replacement, so the k-th of them from q_k:
q without its earlier siblings, renormalised. Where a node has several laws they take turns, and q_k is that of turn k,
without the earlier siblings again. The target's law behind the node is p. Child x_k is accepted with probability
min(1, p(x_k) / q_k(x_k)); where it is not, p becomes the residual max(0, p - q_k), renormalised, and the next is asked.
Where none is accepted the bonus token is drawn from what p has become; behind a node without children that is p itself.

One candidate is speculative sampling (Leviathan et al., arXiv:2211.17192; Chen et al., arXiv:2302.01318); several drawn
without replacement are verified so by EAGLE (arXiv:2401.15077). Laws in turns without replacement are ours: SpecInfer
(arXiv:2305.09781) has them with replacement, where a candidate that comes twice is a row for nothing. Exact if whether
a candidate is verified does not hang on the candidate itself, nor on what was drawn behind it.

Shapes: B rounds with trees of one form, N nodes, V vocabulary; R rounds whose walk has come to a node, T turns.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from offbook.kernels.verify_tree.race import Bools, Floats, Ints, Seeds, draw, uniform


class Chance(Protocol):
    """Where events come from: seeds in decoding, an enumeration of all that may happen in a proof."""

    def accepts(self, rounds_R: Ints, depth: int, place: int, probability_R: Floats) -> Bools:
        """Whether events of these probabilities happen, (R,) boolean: of the `place`-th child of a node of `depth`."""
        ...

    def draws(self, rounds_R: Ints, depth: int, p_RV: Floats) -> Ints:
        """One token of each distribution, (R,): the bonus token behind a node of `depth`."""
        ...


class Seeded:
    """Events of seeds (B, depths), one for each round and depth of the tree."""

    def __init__(self, seeds_BD: Seeds) -> None:
        self._seeds_BD = seeds_BD

    def accepts(self, rounds_R: Ints, depth: int, place: int, probability_R: Floats) -> Bools:
        """See `Chance`; the number is that of no token."""
        numbers: Bools = uniform(self._seeds_BD[rounds_R, depth], np.array([-2 - place]))[:, 0] < probability_R
        return numbers

    def draws(self, rounds_R: Ints, depth: int, p_RV: Floats) -> Ints:
        """See `Chance`."""
        return draw(p_RV, self._seeds_BD[rounds_R, depth])


def verify_drawn(
    target: Callable[[int, Ints], Floats],
    draft: Callable[[int, Ints], Floats],
    tokens_BN: Ints,
    children_N: Sequence[Sequence[int]],
    chance: Chance,
) -> tuple[Ints, Ints]:
    """The last accepted node of each round (B,), 0 for none, and its bonus token (B,).

    Args:
        target: called with a node and the rounds (R,) whose walk has come to it; p behind it, (R, V), summing to one.
        draft: likewise q, (R, V), from which the node's children were drawn, or (R, T, V) where laws took turns; not
            called for a node without any.
        tokens_BN: the candidates, root first; only those on the walk are read.
        children_N: child indices of each node, in the order in which they were drawn.
        chance: where events come from.
    """
    last_B, bonus_B = np.zeros((2, len(tokens_BN)), dtype=np.int64)
    walks = [(0, 0, np.arange(len(tokens_BN)))]
    while walks:
        node, depth, rounds_R = walks.pop()
        children = children_N[node]
        p_RV = np.array(target(node, rounds_R), dtype=np.float64)
        q_RTV = np.array(draft(node, rounds_R), dtype=np.float64) if children else p_RV
        q_RTV = q_RTV.reshape(len(rounds_R), -1, p_RV.shape[1])
        last_B[rounds_R] = node
        for place, child in enumerate(children):
            rows, tokens_R = np.arange(len(rounds_R)), tokens_BN[rounds_R, child]
            q_RV = q_RTV[:, place % q_RTV.shape[1]]
            share_R = p_RV[rows, tokens_R] / q_RV[rows, tokens_R]
            accepted_R = chance.accepts(rounds_R, depth, place, np.minimum(1.0, share_R))
            left_RV = np.maximum(0.0, p_RV - q_RV)
            accepted_R = accepted_R | ~(left_RV.sum(axis=1) > 0)  # p is q, up to rounding: nothing is left to draw
            if accepted_R.any():
                walks.append((child, depth + 1, rounds_R[accepted_R]))
            rounds_R, p_RV, q_RTV, tokens_R = (side[~accepted_R] for side in (rounds_R, left_RV, q_RTV, tokens_R))
            if not len(rounds_R):
                break
            p_RV = p_RV / p_RV.sum(axis=1, keepdims=True)
            q_RTV[np.arange(len(rounds_R)), :, tokens_R] = 0.0
            left_RT1 = q_RTV.sum(axis=2, keepdims=True)
            q_RTV = q_RTV / np.where(left_RT1 > 0, left_RT1, 1.0)  # all that could be drawn has been: none follows
        if len(rounds_R):
            bonus_B[rounds_R] = chance.draws(rounds_R, depth, p_RV)
    return last_B, bonus_B
