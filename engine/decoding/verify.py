"""The verifier: given the target's logits behind every node of a tree, what is committed."""

from dataclasses import dataclass
from typing import Protocol

import torch

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree
from offbook.engine.finite import logits_not_finite
from offbook.kernels.verify_tree import verify_greedy, verify_sampling

NOTHING = -1  # in place of the argmax of a row that is not finite; no candidate has this id


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Accepted nodes from the root on (root included) and the bonus token behind the last of them."""

    path: tuple[int, ...]
    bonus: int


class Verifier(Protocol):
    """Decides one round."""

    def __call__(self, logits_NV: torch.Tensor, tree: Tree, generator: torch.Generator) -> Verdict:
        """Commits a path of `tree`; `logits_NV` are the target's logits behind each node.

        Raises:
            NotFiniteError: a node on the path has logits that are not finite.
        """
        ...


def verifier_for(sampling: Sampling) -> Verifier:
    """The exact verifier for these settings: argmax matching, or EAGLE-2's rule for deterministic candidates."""
    return _greedy if sampling.greedy else _Sampled(sampling)


def _greedy(logits_NV: torch.Tensor, tree: Tree, generator: torch.Generator) -> Verdict:
    argmax_N1 = logits_NV.argmax(dim=-1, keepdim=True)
    chosen_N1 = argmax_N1.where(logits_NV.gather(-1, argmax_N1).isfinite(), NOTHING)  # NaN is every row's largest
    path, bonus = verify_greedy(chosen_N1[:, 0].tolist(), tree.tokens, tree.children)
    if bonus == NOTHING:
        raise logits_not_finite()
    return Verdict(path=tuple(path), bonus=bonus)


@dataclass(frozen=True)
class _Sampled:
    sampling: Sampling

    def __call__(self, logits_NV: torch.Tensor, tree: Tree, generator: torch.Generator) -> Verdict:
        finite_N = logits_NV.amax(dim=-1).isfinite().tolist()

        def probabilities(node: int) -> torch.Tensor:
            if not finite_N[node]:
                raise logits_not_finite()
            return self.sampling.probabilities(logits_NV[node])

        path, bonus = verify_sampling(probabilities, tree.tokens, tree.children, generator)
        return Verdict(path=tuple(path), bonus=bonus)
