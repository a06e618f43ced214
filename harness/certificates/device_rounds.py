"""Rounds of a toy verified by the kernels of a device, whose law is tested in the place of the host's.

The kernels take many rounds in one launch, of which decoding plays one. So a million rounds go through the very code
that decodes there, filters of the logits and laws in fp32 included.
"""

from dataclasses import dataclass

import numpy as np
import torch

from offbook.engine.decoding.sampling import Sampling
from offbook.harness.certificates.toy_target import ToyTarget
from offbook.harness.certificates.verifiers import Player, Tables, behind_nodes, laws_of_draft
from offbook.kernels.verify_tree import Walked, verify_drawn_tree, verify_tree
from offbook.kernels.verify_tree.race import Floats, Ints, Seeds


def player_of(device: torch.device | str, sampling: Sampling) -> Player | None:
    """What verifies as decoding does on a device; None for the host, whose rules are the default."""
    return OnDevice(sampling, device) if torch.device(device).type == "cuda" else None


@dataclass(frozen=True)
class OnDevice:
    """See `Player`.

    Attributes:
        sampling: the settings, which are applied to logits there.
        device: where.
        implementation: see `kernels.implementation`.
    """

    sampling: Sampling
    device: torch.device | str
    implementation: str = "auto"

    def given(self, toy: ToyTarget, tables: Tables, tokens_BN: Ints, seeds_BL: Seeds) -> tuple[Ints, Ints]:
        """See `Player`; laws come from the toy's logits."""
        return _last(
            verify_tree(
                self.sampling.filtered(self._logits(toy, tokens_BN)),
                *self._trees(toy, tokens_BN),
                temperature=self.sampling.temperature,
                seeds_S=self._moved(seeds_BL.astype(np.int64)),
                implementation=self.implementation,
            )
        )

    def drawn(self, toy: ToyTarget, tables: Tables, tokens_BN: Ints, seeds_BL: Seeds, turns: int) -> tuple[Ints, Ints]:
        """See `Player`; the target's laws come from the toy's logits."""
        behind, rows = laws_of_draft(toy, tables, tokens_BN, turns), np.arange(len(tokens_BN))
        return _last(
            verify_drawn_tree(
                self.sampling.probabilities(self._logits(toy, tokens_BN)),
                self._moved(np.stack([behind(node, rows) for node in range(tokens_BN.shape[1])], axis=1)),
                *self._trees(toy, tokens_BN),
                seeds_S=self._moved(seeds_BL.astype(np.int64)),
                implementation=self.implementation,
            )
        )

    def _logits(self, toy: ToyTarget, tokens_BN: Ints) -> torch.Tensor:
        """Behind each node, (B, N, V) fp32."""
        behind, rows = behind_nodes(toy, toy.logits, tokens_BN), np.arange(len(tokens_BN))
        return self._moved(np.stack([behind(node, rows) for node in range(tokens_BN.shape[1])], axis=1)).float()

    def _trees(self, toy: ToyTarget, tokens_BN: Ints) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Tokens, parents and depths."""
        return self._moved(tokens_BN), self._moved(np.array(toy.shape.parents)), self._moved(toy.shape.depths)

    def _moved(self, array: Floats | Ints) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device)


def _last(walked: Walked) -> tuple[Ints, Ints]:
    """The last node that stands in each round, and its bonus token."""
    last_B = walked.path_N.gather(1, walked.count[:, None] - 1)[:, 0]
    return last_B.numpy(force=True), walked.bonus.numpy(force=True)
