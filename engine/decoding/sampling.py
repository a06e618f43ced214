"""From logits to the distribution that is sampled: temperature, top-k and top-p, applied once, in fp32.

The same distribution serves every token that is said, whether it was drafted or not; that it is computed in one place
is what keeps speculative sampling lossless (several reference verifiers drew the bonus from raw logits).
Order and semantics follow transformers' warpers: temperature, then top-k, then top-p.
"""

from dataclasses import dataclass

import torch

from offbook.engine.decoding.ranges import check


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Decoding settings; temperature 0 is greedy and ignores top-k and top-p.

    Attributes:
        temperature: divides the logits; 0 means argmax.
        top_k: keep the k most likely tokens; 0 keeps all.
        top_p: keep the smallest set of tokens whose mass reaches top_p, at least `LOWEST_TOP_P`; 1 keeps all.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        check(self.temperature, self.top_k, self.top_p)

    @property
    def greedy(self) -> bool:
        """Whether the argmax is taken instead of a draw."""
        return self.temperature == 0.0

    def probabilities(self, logits_NV: torch.Tensor) -> torch.Tensor:
        """The distribution that is sampled, shape (..., V), fp32 (fp64 stays fp64), for temperature > 0."""
        assert not self.greedy, "greedy decoding has no distribution to sample"
        logits = logits_NV if logits_NV.dtype == torch.float64 else logits_NV.float()
        logits = logits / self.temperature
        if 0 < self.top_k < logits.shape[-1]:
            kth = logits.topk(self.top_k, dim=-1).values[..., -1:]
            logits = logits.masked_fill(logits < kth, float("-inf"))
        probs = logits.softmax(dim=-1)
        if self.top_p < 1.0:
            ordered, index = probs.sort(dim=-1, descending=True, stable=True)
            mass_before = ordered.cumsum(dim=-1) - ordered
            kept = torch.where(mass_before < self.top_p, ordered, torch.zeros_like(ordered))
            probs = torch.zeros_like(probs).scatter(-1, index, kept)
            probs = probs / probs.sum(dim=-1, keepdim=True)
        return probs

    def filtered(self, logits_NV: torch.Tensor) -> torch.Tensor:
        """The logits with minus infinity for every token that top-k or top-p leave out.

        Divided by the temperature they are those of `probabilities`, up to rounding.
        """
        if self.top_k == 0 and self.top_p == 1.0:
            return logits_NV
        return logits_NV.masked_fill(self.probabilities(logits_NV) == 0, float("-inf"))
