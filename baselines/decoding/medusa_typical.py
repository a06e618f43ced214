"""Typical acceptance (Medusa, arXiv:2401.10774, section 2.3.1): what the target finds plausible stands. LOSSY.

    x stands behind a text where   p(x) > min(epsilon, delta exp(-H(p)))

with p the target's law there, under the temperature and the filters of its draws, and H(p) its entropy. Of candidates
that stand together with all above them the deepest is taken, and of several the likeliest, as the released code has it.
The token behind it is the likeliest one: the paper takes the first token of every step greedily and unconditionally, so
that each step gains one. p's likeliest token always stands, since its probability is at least exp(-H(p)) and delta is
below one.

Nothing is drawn, so above temperature 0 what is said hangs on what was drafted and follows no law of the target's: this
is no speculative sampling, and no certificate calls it exact. At temperature 0 only the likeliest token has any
probability, and the rule is the greedy one, which is exact.

Shapes: N nodes, V vocabulary.
"""

from dataclasses import dataclass

import torch

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import TreeTensors
from offbook.engine.decoding.verify import Verdict, Verifier, verifier_for
from offbook.engine.finite import logits_not_finite


@dataclass(frozen=True, kw_only=True)
class TypicalAcceptance:
    """Makes verifiers; see `VerifierFor`.

    Attributes:
        epsilon: the threshold where the law is sharp; `posterior_threshold` of the released code.
        delta: of the threshold where it is flat, the root of epsilon by default; `posterior_alpha` there.
    """

    epsilon: float = 0.09
    delta: float = 0.3

    def __call__(self, sampling: Sampling) -> Verifier:
        """The rule at these settings; at temperature 0 the greedy one."""
        return verifier_for(sampling) if sampling.greedy else _Typical(self, sampling)

    def thresholds(self, p_NV: torch.Tensor) -> torch.Tensor:
        """What a token has to exceed behind each node, (N,)."""
        return (self.delta * torch.exp(-torch.special.entr(p_NV).sum(dim=-1))).clamp(max=self.epsilon)


@dataclass(frozen=True)
class _Typical:
    rule: TypicalAcceptance
    sampling: Sampling

    def __call__(self, logits_NV: torch.Tensor, tree: TreeTensors, generator: torch.Generator) -> Verdict:
        """See `Verifier`; `generator` is left as it is."""
        host, finite_N = tree.host, logits_NV.amax(dim=-1).isfinite().tolist()
        p_NV = self.sampling.probabilities(logits_NV)
        thresholds_N = self.rule.thresholds(p_NV).tolist()
        chances_N = p_NV[tree.parents_N.clamp(min=0), tree.tokens_N].tolist()  # the root's means nothing
        chance_of_path = {0: 1.0}  # of nodes that stand with all above them
        for node, parent in enumerate(host.parents[1:], start=1):
            # Behind a row that is not finite every chance is NaN, and nothing stands.
            if parent in chance_of_path and chances_N[node] > thresholds_N[parent]:
                chance_of_path[node] = chance_of_path[parent] * chances_N[node]
        last = max(chance_of_path, key=lambda node: (host.depths[node], chance_of_path[node]))
        if not finite_N[last]:
            raise logits_not_finite()
        path = [last]
        while path[0]:
            path.insert(0, host.parents[path[0]])
        return Verdict.of(path, int(p_NV[last].argmax()), logits_NV.device)
