"""The seam under the backbone: a block of rows in, logits and hidden states out, whatever form the weights are in.

Every layout computes the same function of the same weights; only sums are taken in another order. Which one ran is part
of every record, and `check.py` holds each against the plain one before anything is decoded.

Shapes: M rows of the block, n of them with logits, V vocabulary, H hidden, B sequences, L layers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch

from offbook.engine.decoding.cache import TreeCache
from offbook.engine.json_value import JsonValue


@dataclass(frozen=True, kw_only=True)
class StepOutput:
    """Logits (n, V) of the block's last n rows, and hidden states (M, H) of each layer asked for, in that order."""

    logits_NV: torch.Tensor
    states: tuple[torch.Tensor, ...]

    def features(self, rows: int) -> torch.Tensor:
        """The states of the block's `rows` side by side, as drafters read them; of width 0 where none was asked for."""
        return torch.cat(self.states, dim=-1) if self.states else self.logits_NV.new_empty(rows, 0)


def causal_block(start: int, rows: int, device: torch.device | str = "cpu") -> tuple[torch.Tensor, torch.Tensor]:
    """Positions (M,) and mask (M, M) of a run of `rows` tokens behind `start` others: each sees those before it."""
    positions_M = torch.arange(start, start + rows, device=device)
    return positions_M, torch.ones(rows, rows, dtype=torch.bool, device=device).tril()


class Layout(Protocol):
    """A target's weights in some form, ready to step."""

    @property
    def name(self) -> str:
        """One of `names.LAYOUTS`; a field of every record."""
        ...

    @property
    def facts(self) -> Mapping[str, JsonValue]:
        """What was chosen or found when it was made, for the manifest."""
        ...

    @property
    def calls_the_model(self) -> bool:
        """Whether a step is a call of the model itself, so that who counts the calls of that has counted it."""
        ...

    def step(
        self,
        tokens_M: torch.Tensor,
        positions_M: torch.Tensor,
        visible_MM: torch.Tensor,
        cache: TreeCache,
        *,
        logits_for: int = 0,
        taps: Sequence[int] = (),
    ) -> StepOutput:
        """Runs one block behind the committed rows; nothing is committed yet.

        Args:
            tokens_M: token ids, int64.
            positions_M: absolute position of each row; committed row i sits at position i.
            visible_MM: which rows of the block each row sees, itself included; every row sees all committed rows. The
                plain layout also takes words (`kernels.tree_attention`), where the cache counts on the device.
            cache: of one sequence.
            logits_for: compute logits of the last n rows only; 0 means all.
            taps: hidden states to hand out, as transformers counts them: 0 the embedding, j the residual stream behind
                layer j, L (or -1) the state behind the final norm, which the language-model head reads.
        """
        ...


@runtime_checkable
class BatchedLayout(Layout, Protocol):
    """A layout that also steps several sequences at once."""

    def advance(self, tokens_B: torch.Tensor, caches: Sequence[TreeCache]) -> torch.Tensor:
        """One further token of each sequence, committed to its cache; logits (B, V) behind it."""
        ...
