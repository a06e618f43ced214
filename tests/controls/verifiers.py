"""Verifiers that look right and are not: each must be rejected by the very test the real one passes.

All follow EAGLE-2's rule for deterministic candidates (`kernels/verify_tree/reference.py`) but for one fault, most of
which have been published in somebody's reference code.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import TreeTensors
from offbook.engine.decoding.verify import Verdict, Verifier


@dataclass(frozen=True, kw_only=True)
class Faulty:
    """The rule with switches for its faults; with none of them it is the rule."""

    sampling: Sampling
    raw_bonus: bool = False
    whole_residual: bool = False
    unnormalised: bool = False
    siblings_swapped: bool = False
    number_reused: bool = False
    token_skipped: bool = False
    uniform_share: float = 0.0

    def __call__(self, logits_NV: torch.Tensor, tree: TreeTensors, generator: torch.Generator) -> Verdict:
        path, number = [0], None
        while True:
            logits_V = logits_NV[path[-1]]
            p_V = self.sampling.probabilities(logits_V)
            whole_V = p_V.clone()
            children, accepted = tree.host.children[path[-1]], None
            for place, child in enumerate(children):
                if number is None or not self.number_reused:
                    number = float(torch.rand((), generator=generator))
                read = children[place - 1] if self.siblings_swapped else child
                if number < float(p_V[tree.host.tokens[read]]):
                    accepted = child
                    break
                p_V[tree.host.tokens[child]] = 0.0
                if not p_V.sum() > 0:
                    accepted = child
                    break
                if not self.unnormalised:
                    p_V /= p_V.sum()
            if accepted is None:
                if self.raw_bonus and not children:
                    p_V = logits_V.softmax(dim=-1)
                if self.whole_residual:
                    p_V = whole_V
                p_V = (1 - self.uniform_share) * p_V / p_V.sum() + self.uniform_share / p_V.shape[-1]
                bonus = int(torch.multinomial(p_V, 1, generator=generator))
                if self.token_skipped and len(path) > 1:
                    del path[-1]
                return Verdict.of(path, bonus)
            path.append(accepted)


# name: what makes it
FAULTS: dict[str, Callable[[Sampling], Verifier]] = {
    "the bonus token at a leaf is drawn from the raw logits": lambda s: Faulty(sampling=s, raw_bonus=True),
    "rejected siblings stay in the residual": lambda s: Faulty(sampling=s, whole_residual=True),
    "the residual is not renormalised between siblings": lambda s: Faulty(sampling=s, unnormalised=True),
    "one sibling is accepted with another's probability": lambda s: Faulty(sampling=s, siblings_swapped=True),
    "one random number serves all siblings": lambda s: Faulty(sampling=s, number_reused=True),
    "the last accepted token is lost": lambda s: Faulty(sampling=s, token_skipped=True),
    "one bonus token in ten is uniform": lambda s: Faulty(sampling=s, uniform_share=0.1),
}


def greedy_that_skips(logits_NV: torch.Tensor, tree: TreeTensors, generator: torch.Generator) -> Verdict:
    """Greedy matching that drops the last accepted node but keeps the bonus behind it."""
    path = [0]
    while True:
        wanted = int(logits_NV[path[-1]].argmax())
        child = next((c for c in tree.host.children[path[-1]] if tree.host.tokens[c] == wanted), None)
        if child is None:
            return Verdict.of(path[:-1] or path, wanted)
        path.append(child)


def greedy_that_believes(logits_NV: torch.Tensor, tree: TreeTensors, generator: torch.Generator) -> Verdict:
    """Accepts the first child whatever the target says."""
    path = [0]
    while tree.host.children[path[-1]]:
        path.append(tree.host.children[path[-1]][0])
    return Verdict.of(path, int(logits_NV[path[-1]].argmax()))
