"""The plain layout: the unmodified transformers model in its own forward; every other is held against it."""

from collections.abc import Mapping, Sequence

import torch
from transformers import PreTrainedModel

from offbook.engine.decoding import attention
from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.layouts.layout import StepOutput
from offbook.engine.json_value import JsonValue


class TransformersLayout:
    """See `Layout`; the tree attention (`engine.decoding.attention`) is selected while it steps."""

    name = "transformers"
    calls_the_model = True
    facts: Mapping[str, JsonValue] = {}

    def __init__(self, model: PreTrainedModel, *, cache_argument: str) -> None:
        self._model = model
        self._cache_argument = cache_argument

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
        """See `Layout.step`."""
        logits_BNV, states = self.rows(
            tokens_M[None], positions_M[None], visible_MM, cache, logits_for=logits_for, with_states=bool(taps)
        )
        return StepOutput(logits_NV=logits_BNV[0], states=tuple(states[tap][0] for tap in taps))

    @torch.inference_mode()
    def rows(
        self,
        tokens_BT: torch.Tensor,
        positions_BT: torch.Tensor,
        visible_TT: torch.Tensor,
        cache: TreeCache,
        *,
        logits_for: int,
        with_states: bool,
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """The same for B sequences of one length and one mask: logits (B, n, V), and all hidden states (B, T, H)."""
        output = self._model(
            input_ids=tokens_BT,
            position_ids=positions_BT,
            use_cache=True,
            output_hidden_states=with_states,
            logits_to_keep=logits_for,
            **attention.arguments(positions_BT, visible_TT, cache.front),
            **{self._cache_argument: cache},
        )
        return output.logits, output.hidden_states or ()
