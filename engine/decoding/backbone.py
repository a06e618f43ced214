"""The target: any transformers causal LM, unmodified, driven one block of rows at a time.

A block is a run of tokens (prefill, one step) or a candidate tree; both are the same forward with another
mask and other positions. What the language-model head consumes, the last hidden state after the final norm,
is handed out as *features*: feature-level drafters (EAGLE, Jakiro) read them.
"""

import inspect
from dataclasses import dataclass

import torch
from torch import nn
from transformers import PreTrainedModel

from offbook.engine.decoding import attention
from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.rope_border import recomputes, rope_border
from offbook.engine.decoding.self_check import self_check


@dataclass(frozen=True, kw_only=True)
class TargetOutput:
    """Features (B, T, H) of every row of the block, logits (B, n, V) of its last n rows."""

    features_BTH: torch.Tensor
    logits_BNV: torch.Tensor


class Backbone:
    """A causal LM with the tree attention function selected; one per model, shared by all contenders.

    Raises:
        ValueError: the model cannot take an attention function, or does not say the same under ours as under its own
            (`self_check`).
    """

    def __init__(self, model: PreTrainedModel) -> None:
        if not getattr(model, "_supports_attention_backend", False):
            msg = (
                f"expected a causal LM that takes attention functions (Llama, Qwen, Mistral, Gemma ...), "
                f"got {type(model).__name__}; choose another --model"
            )
            raise ValueError(msg)
        self.model = model.eval()
        self.config = model.config.get_text_config()
        self._native_attention: str = model.config._attn_implementation
        parameters = inspect.signature(type(model).forward).parameters
        self.cache_argument = "cache" if "cache" in parameters else "past_key_values"  # renamed in transformers 5.2x
        self.use_tree_attention()
        self._border = rope_border(self.config)
        self._recomputes = self._border is not None and recomputes(model, self._border, self.cache_argument)
        self_check(self)

    def use_tree_attention(self) -> None:
        """Selects our attention function."""
        self.model.set_attn_implementation(attention.register())

    def use_native_attention(self) -> None:
        """Selects the attention the model was loaded with, for contenders that are transformers' own."""
        self.model.set_attn_implementation(self._native_attention)

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return torch.device(self.model.device)

    @property
    def context_length(self) -> int:
        """Positions the model was made for."""
        return int(self.config.max_position_embeddings)

    @property
    def embedding_VH(self) -> torch.Tensor:  # noqa: N802
        """Input embedding weight."""
        weight = self.model.get_input_embeddings().weight
        assert isinstance(weight, torch.Tensor)
        return weight

    @property
    def head_VH(self) -> torch.Tensor:  # noqa: N802
        """Language-model head weight (may be tied to the embedding)."""
        head = self.model.get_output_embeddings()
        assert isinstance(head, nn.Module)
        weight = head.weight
        assert isinstance(weight, torch.Tensor)
        return weight

    def levels_below(self, root: int) -> int | None:
        """How deep a tree may be whose root sits at this position (`rope_border`); None for any depth."""
        return self._border - 1 - root if self._border is not None and root < self._border else None

    def forgets(self, cache: TreeCache) -> bool:
        """Whether the model's own `generate` would compute this cache anew before its next token (`rope_border`)."""
        return self._recomputes and cache.length == self._border

    def refill(self, cache: TreeCache, text_1T: torch.Tensor) -> None:
        """Computes the committed rows anew, under the factors that their text takes together with the next token."""
        rows = cache.length
        cache.cut_back(0)
        self.forward(text_1T[:, : rows + 1], cache, logits_for=1)
        cache.commit(rows)

    def new_cache(self, capacity: int) -> TreeCache:
        """An empty cache for `capacity` rows."""
        return TreeCache(num_layers=int(self.config.num_hidden_layers), capacity=capacity)

    @torch.inference_mode()
    def forward(
        self,
        tokens_BT: torch.Tensor,
        cache: TreeCache,
        *,
        offsets_T: torch.Tensor | None = None,
        visible_TT: torch.Tensor | None = None,
        logits_for: int = 0,
    ) -> TargetOutput:
        """Runs one block behind the committed rows; nothing is committed yet.

        Args:
            tokens_BT: token ids.
            cache: rows committed so far; committed row i sits at position i.
            offsets_T: position of each row relative to the first free one; default 0, 1, 2, ...
            visible_TT: which rows of the block each row sees (itself included); default causal.
            logits_for: compute logits for the last n rows only; 0 means all.
        """
        batch, rows = tokens_BT.shape
        device = tokens_BT.device
        if offsets_T is None:
            offsets_T = torch.arange(rows, device=device)
        if visible_TT is None:
            visible_TT = torch.ones(rows, rows, dtype=torch.bool, device=device).tril()
        positions_BT = (cache.length + offsets_T).expand(batch, rows)
        prefix = torch.arange(cache.length, device=device).expand(batch, -1)
        visible_TS = torch.cat([torch.ones(rows, cache.length, dtype=torch.bool, device=device), visible_TT], dim=1)
        output = self.model(
            input_ids=tokens_BT,
            attention_mask=visible_TS.expand(batch, 1, *visible_TS.shape),
            position_ids=positions_BT,
            use_cache=True,
            output_hidden_states=True,
            logits_to_keep=logits_for,
            tree_positions=positions_BT,
            tree_key_positions=torch.cat([prefix, positions_BT], dim=1),
            **{self.cache_argument: cache},
        )
        return TargetOutput(features_BTH=output.hidden_states[-1], logits_BNV=output.logits)
