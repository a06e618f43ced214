"""The exact verifier for a device: the same rules and the same seeds as on the host, by kernels and with one read.

The seeds of a round's draws are looked up ahead, as many as the tree is deep, and go to the device unread. Once the
host knows how many positions the round has committed it takes so many from the generator, one each, as plain decoding
does. So the generator is at every round where plain decoding's is at the same position, and leads to the same text but
where rounding moves a draw.
"""

from dataclasses import dataclass

import torch

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import TreeTensors
from offbook.engine.decoding.verify import Verdict, seed_numbers
from offbook.engine.finite import logits_not_finite
from offbook.kernels.verify_tree import NOTHING, Walked, verify_drawn_tree, verify_tree


@dataclass(frozen=True)
class DeviceVerifier:
    """See `Verifier`; one for these settings.

    Attributes:
        sampling: the settings.
        implementation: of the kernels; see `kernels.implementation`.
    """

    sampling: Sampling
    implementation: str = "auto"

    @property
    def races(self) -> bool:
        """See `RacingVerifier`."""
        return not self.sampling.greedy

    def __call__(self, logits_NV: torch.Tensor, tree: TreeTensors, generator: torch.Generator) -> Verdict:
        """See `Verifier`."""
        deep = 1 + max(tree.host.depths)
        if self.sampling.greedy:
            walked = self._given(logits_NV, tree, None)
        elif tree.drawn_from_NV is not None:
            walked = self._drawn(logits_NV, tree, tree.drawn_from_NV, seed_numbers(deep, generator))
        else:
            ahead_D = seed_numbers(deep, generator.clone_state())
            walked = self._given(self.sampling.filtered(logits_NV), tree, ahead_D.to(logits_NV.device))
        count, bonus, *path = walked.told.tolist()
        if bonus == NOTHING:
            raise logits_not_finite()
        if self.races and tree.drawn_from_NV is None:
            seed_numbers(count, generator)  # taken now
        return Verdict(path_R=walked.path_N, count=walked.count, bonus=walked.bonus, known=(tuple(path[:count]), bonus))

    def _given(self, logits_NV: torch.Tensor, tree: TreeTensors, seeds_D: torch.Tensor | None) -> Walked:
        return verify_tree(
            logits_NV,
            tree.tokens_N,
            tree.parents_N,
            tree.depths_N,
            temperature=self.sampling.temperature,
            seeds_S=seeds_D,
            implementation=self.implementation,
        )

    def _drawn(
        self, logits_NV: torch.Tensor, tree: TreeTensors, laws_NTV: torch.Tensor, seeds_D: torch.Tensor
    ) -> Walked:
        return verify_drawn_tree(
            self.sampling.probabilities(logits_NV),
            laws_NTV,
            tree.tokens_N,
            tree.parents_N,
            tree.depths_N,
            seeds_S=seeds_D.to(logits_NV.device),
            implementation=self.implementation,
        )
