"""LongRoPE (arXiv:2402.13753): rotary factors that all rows of a forward change together at one position, the border.

The library takes the short factors where the largest position of a forward lies below the border, else the long ones.
Plain decoding crosses it with a token; a tree would cross it with a candidate, and its root would be turned by factors
that plain decoding does not use there. So a tree is cut below the border. Keys in the cache stay as they were turned,
unless the model's own `generate` computes the cache anew behind the border (Phi-3 does); then the loop does too.

Dynamic NTK factors also depend on the longest forward, but grow behind `max_position_embeddings` only, and there
nothing is decoded.
"""

from typing import Any

import torch
from transformers import DynamicCache, PreTrainedModel


def rope_border(config: Any) -> int | None:
    """The first position of the long factors; None for models without.

    Raises:
        ValueError: kinds of layers that change at different positions.
    """
    found = [kind for kind in _kinds(config) if kind.get("rope_type") == "longrope"]
    borders = {int(kind["original_max_position_embeddings"]) for kind in found}
    if len(borders) > 1:
        msg = f"expected rotary factors that change at one position, got {sorted(borders)}; choose another --model"
        raise ValueError(msg)
    return borders.pop() if borders else None


def reads_the_longest(config: Any) -> bool:
    """Whether a forward looks at its largest position to choose its factors."""
    return any(kind.get("rope_type") in ("longrope", "dynamic") for kind in _kinds(config))


def _kinds(config: Any) -> list[dict[str, Any]]:
    """Rotary settings of the model, or of each kind of its layers."""
    rope = getattr(config, "rope_parameters", None) or {}
    return [rope, *(kind for kind in rope.values() if isinstance(kind, dict))]


def recomputes(model: PreTrainedModel, border: int, cache_argument: str) -> bool:
    """Whether the model's `generate` drops its cache at the border: it is asked, with a cache that just reaches it."""
    cache = DynamicCache()
    rows = torch.zeros(1, 1, border, 1, device=model.device)
    cache.update(rows, rows, 0)
    tokens = torch.zeros(1, border + 1, dtype=torch.long, device=model.device)
    more: dict[str, Any] = {cache_argument: cache, "attention_mask": torch.ones_like(tokens), "use_cache": True}
    inputs = model.prepare_inputs_for_generation(tokens, **more)  # type: ignore[operator]
    return inputs.get(cache_argument) is None
