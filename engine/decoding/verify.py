"""The verifier: given the target's logits behind every node of a tree, what is committed."""

from dataclasses import dataclass
from typing import Protocol

import torch

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree
from offbook.kernels.verify_tree import verify_greedy, verify_sampling


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Accepted nodes from the root on (root included) and the bonus token behind the last of them."""

    path: tuple[int, ...]
    bonus: int


class Verifier(Protocol):
    """Decides one round."""

    def __call__(self, logits_NV: torch.Tensor, tree: Tree, generator: torch.Generator) -> Verdict:
        """Commits a path of `tree`; `logits_NV` are the target's logits behind each node."""
        ...


def verifier_for(sampling: Sampling) -> Verifier:
    """The exact verifier for these settings: argmax matching, or EAGLE-2's rule for deterministic candidates."""
    return _greedy if sampling.greedy else _Sampled(sampling)


def _greedy(logits_NV: torch.Tensor, tree: Tree, generator: torch.Generator) -> Verdict:
    path, bonus = verify_greedy(logits_NV.argmax(dim=-1).tolist(), tree.tokens, tree.children)
    return Verdict(path=tuple(path), bonus=bonus)


@dataclass(frozen=True)
class _Sampled:
    sampling: Sampling

    def __call__(self, logits_NV: torch.Tensor, tree: Tree, generator: torch.Generator) -> Verdict:
        path, bonus = verify_sampling(
            lambda node: self.sampling.probabilities(logits_NV[node]), tree.tokens, tree.children, generator
        )
        return Verdict(path=tuple(path), bonus=bonus)
