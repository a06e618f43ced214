"""One step of a model of Llama's shape in plain torch calls, with products that are handed in.

The same function as the model's own forward: RMSNorm, rotary attention over grouped heads, SwiGLU. What is left out is
what a step of few rows pays for and does not need: modules, hooks, masks built anew in every layer. Queries and keys
are turned as complex numbers, so their rows are reordered once, when products are made: place 2i and 2i + 1 of a head
are what the model calls i and i + D/2. Products of queries and keys do not change with the order of their places.

Shapes: M rows, H hidden, A query heads, G key/value heads, D head size, S keys, I inner, V vocabulary.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.layouts.layout import StepOutput
from offbook.engine.decoding.layouts.shape import Linear, LlamaLayer, LlamaShape, Norm, RopeTable

Product = Callable[[torch.Tensor], torch.Tensor]
MakeProduct = Callable[[Sequence[Linear]], Product]


@dataclass(frozen=True, kw_only=True)
class _Layer:
    attention_norm: Norm
    qkv: Product
    o: Product
    q_norm: Norm | None
    k_norm: Norm | None
    window: int | None
    mlp_norm: Norm
    gate_up: Product
    down: Product


@dataclass(frozen=True)
class _Block:
    """What all layers need of the rows: rotary factors (M, 1, D/2), and masks by window, (A/G * M, S), 0 or -inf."""

    turns_M1D: torch.Tensor
    masks: dict[int | None, torch.Tensor | None]


class LeanLlama:
    """A model of Llama's shape with its weights in the products' form.

    Args:
        shape: its weights.
        make: makes one product of matrices that read the same rows.
        positions: how many it was made for.
    """

    def __init__(self, shape: LlamaShape, make: MakeProduct, *, positions: int) -> None:
        self._shape = shape
        self._layers = [_layer(layer, shape.head_dim, make) for layer in shape.layers]
        self._head = make([shape.head])
        self._rope = RopeTable(shape, most=positions)
        self._turns = torch.empty(0)

    @torch.inference_mode()
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
        shape, rows, start = self._shape, tokens_M.shape[0], cache.length
        end = start + rows
        assert end <= cache.capacity, f"cache of {cache.capacity} rows asked to hold {end}"
        x = functional.embedding(tokens_M, shape.embedding_VH)
        storage = cache.storage(1, shape.kv_heads, shape.head_dim, like=x)[:, 0]
        block = _Block(self._turned(positions_M), self._masks(positions_M, visible_MM, start))
        states = {0: x} if 0 in taps else {}
        for index, layer in enumerate(self._layers):
            q, k, v = self._queries_keys_values(layer, x, block.turns_M1D)
            keys, values = storage[index], storage[len(self._layers) + index]
            keys[:, start:end] = k.transpose(0, 1)
            values[:, start:end] = v.transpose(0, 1)
            attended = self._attend(q, keys[:, :end], values[:, :end], block.masks[layer.window])
            x = self._behind_attention(layer, x, attended)
            if index + 1 in taps:
                states[index + 1] = x
        last = _normed(x, shape.final_norm)
        states[len(self._layers)] = last
        return StepOutput(logits_NV=self._head(last[-logits_for:]), states=tuple(states[tap] for tap in taps))

    @torch.inference_mode()
    def advance(self, tokens_B: torch.Tensor, caches: Sequence[TreeCache]) -> torch.Tensor:
        """See `BatchedLayout.advance`."""
        shape = self._shape
        x = functional.embedding(tokens_B, shape.embedding_VH)
        positions_B = torch.tensor([cache.length for cache in caches])
        turns = self._turned(positions_B)
        storages = [cache.storage(1, shape.kv_heads, shape.head_dim, like=x)[:, 0] for cache in caches]
        for index, layer in enumerate(self._layers):
            q, k, v = self._queries_keys_values(layer, x, turns)
            attended = torch.empty_like(q).view(len(caches), -1)
            for row, (cache, storage) in enumerate(zip(caches, storages, strict=True)):
                end = cache.length + 1
                keys, values = storage[index], storage[len(self._layers) + index]
                keys[:, end - 1] = k[row]
                values[:, end - 1] = v[row]
                first = 0 if layer.window is None else max(0, end - layer.window)
                attended[row] = self._attend(q[row : row + 1], keys[:, first:end], values[:, first:end], None)
            x = self._behind_attention(layer, x, attended)
        for cache in caches:
            cache.commit(1)
        return self._head(_normed(x, shape.final_norm))

    def _turned(self, positions_M: torch.Tensor) -> torch.Tensor:
        """Rotary factors (M, 1, D/2); the table grows with the texts."""
        if self._rope.reach(int(positions_M.max()) + 1):
            half = self._shape.head_dim // 2  # both halves of a row are alike; a scaling of attention is part of them
            self._turns = torch.complex(self._rope.cos[:, :half], self._rope.sin[:, :half])
        return self._turns[positions_M][:, None]

    def _queries_keys_values(
        self, layer: _Layer, x: torch.Tensor, turns_M1D: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Turned queries (M, A, D) and keys (M, G, D), values (M, G, D)."""
        shape = self._shape
        heads, turned = shape.heads, shape.heads + shape.kv_heads
        y = layer.qkv(_normed(x, layer.attention_norm)).view(x.shape[0], -1, shape.head_dim)
        pairs = y[:, :turned]
        if layer.q_norm is not None and layer.k_norm is not None:
            pairs = torch.cat([_normed(y[:, :heads], layer.q_norm), _normed(y[:, heads:turned], layer.k_norm)], dim=1)
        halves = torch.view_as_complex(pairs.unflatten(-1, (-1, 2))) * turns_M1D
        qk = torch.view_as_real(halves).flatten(-2)
        return qk[:, :heads], qk[:, heads:], y[:, turned:]

    def _attend(
        self, q_MAD: torch.Tensor, keys_GSD: torch.Tensor, values_GSD: torch.Tensor, mask: torch.Tensor | None
    ) -> torch.Tensor:
        """(M, A D); the query heads of a group are folded into its rows, so that keys are read where they lie."""
        rows, heads, head_dim = q_MAD.shape
        groups = keys_GSD.shape[0]
        folded = q_MAD.view(rows, groups, -1, head_dim).permute(1, 2, 0, 3).reshape(1, groups, -1, head_dim)
        out = functional.scaled_dot_product_attention(
            folded, keys_GSD[None], values_GSD[None], attn_mask=mask, scale=self._shape.scale
        )
        return out.view(groups, -1, rows, head_dim).permute(2, 0, 1, 3).reshape(rows, heads * head_dim)

    def _behind_attention(self, layer: _Layer, x: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        x = x + layer.o(attended)
        gate, up = layer.gate_up(_normed(x, layer.mlp_norm)).chunk(2, dim=-1)
        return x + layer.down(functional.silu(gate) * up)

    def _masks(
        self, positions_M: torch.Tensor, visible_MM: torch.Tensor, start: int
    ) -> dict[int | None, torch.Tensor | None]:
        """One mask for each window that layers have; None where every row sees every key."""
        rows = positions_M.shape[0]
        visible_MS = torch.cat([visible_MM.new_ones(rows, start), visible_MM], dim=1)
        key_positions_S = torch.cat([torch.arange(start), positions_M])
        masks: dict[int | None, torch.Tensor | None] = {}
        for window in {layer.window for layer in self._layers}:
            seen_MS = visible_MS
            if window is not None:
                seen_MS = visible_MS & (key_positions_S > positions_M[:, None] - window)
            if bool(seen_MS.all()):
                masks[window] = None
                continue
            hidden_MS = torch.zeros(seen_MS.shape).masked_fill_(~seen_MS, float("-inf"))
            masks[window] = hidden_MS.repeat(self._shape.heads // self._shape.kv_heads, 1)
        return masks


def _layer(layer: LlamaLayer, head_dim: int, make: MakeProduct) -> _Layer:
    return _Layer(
        attention_norm=layer.attention_norm,
        qkv=make([_paired(layer.q, head_dim), _paired(layer.k, head_dim), layer.v]),
        o=make([layer.o]),
        q_norm=_paired_norm(layer.q_norm, head_dim),
        k_norm=_paired_norm(layer.k_norm, head_dim),
        window=layer.window,
        mlp_norm=layer.mlp_norm,
        gate_up=make([layer.gate, layer.up]),
        down=make([layer.down]),
    )


def _pairs(head_dim: int) -> torch.Tensor:
    """0, D/2, 1, D/2 + 1, ...: the two numbers that one rotation turns stand side by side."""
    return torch.arange(head_dim).view(2, -1).t().flatten()


def _paired(linear: Linear, head_dim: int) -> Linear:
    order = _pairs(head_dim)
    weight = linear.weight_NK.unflatten(0, (-1, head_dim))[:, order].flatten(0, 1)
    bias = None if linear.bias_N is None else linear.bias_N.unflatten(0, (-1, head_dim))[:, order].flatten()
    return Linear(weight_NK=weight, bias_N=bias)


def _paired_norm(norm: Norm | None, head_dim: int) -> Norm | None:
    return None if norm is None else Norm(weight=norm.weight[_pairs(head_dim)], eps=norm.eps)


def _normed(x: torch.Tensor, norm: Norm) -> torch.Tensor:
    return functional.rms_norm(x, norm.weight.shape, norm.weight, norm.eps)
