"""Against what it is timed: SDPA under a boolean mask, FlexAttention over the same words, flash attention in two calls.

Flash attention takes no mask: the prefix goes through it, heads folded into rows, the tree through plain products, and
both are put together by their log-sum-exps.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch.nn import functional

from offbook.kernels.proof.case import Timed
from offbook.kernels.tree_attention import TreeMask, pack_words, reference, tree_attention
from offbook.kernels.tree_attention.compiled import MODELS

TREE = 60


def cases(device: str) -> Iterator[Timed]:
    """See `kernels.proof.case`."""
    if device == "cpu":
        for rows, keys in ((1, 256), (16, 512)):
            yield _case("SmolLM2-135M", rows, keys, torch.float32, device)
        return
    for model in MODELS:
        for prefix in (2048, 8192, 32768):
            yield _case(model, TREE, prefix, torch.bfloat16, device)
        yield _case(model, 1, 2048, torch.bfloat16, device)


def _case(model: str, rows: int, prefix: int, dtype: torch.dtype, device: str) -> Timed:
    heads, groups, size = MODELS[model]
    keys, scale = prefix + rows, size**-0.5
    providers: dict[str, Callable[..., Any]] = {"replaced": partial(_replaced, scale=scale)}
    if device == "cpu":
        providers = {"offbook": partial(_by_mask, scale=scale), **providers}
    else:
        providers = {
            "offbook": partial(_by_words, scale=scale),
            **providers,
            "sdpa": partial(_sdpa, scale=scale),
            "flex_attention": _flex(scale),
            "flash, two calls": partial(_flash, scale=scale),
        }
    item = torch.empty((), dtype=dtype).element_size()
    return Timed(
        op="tree_attention",
        shape=f"{model}, {rows} rows, {prefix} keys",
        dtype=str(dtype).removeprefix("torch."),
        inputs=partial(_inputs, (heads, groups, size), rows, prefix, dtype, device),
        providers=providers,
        bytes=item * size * (2 * keys * groups + 2 * rows * heads),
        flops=4.0 * rows * heads * keys * size,
        notes={"rows": str(rows), "keys": str(prefix)},
    )


def _inputs(
    sizes: tuple[int, int, int], rows: int, prefix: int, dtype: torch.dtype, device: str, seed: int
) -> Sequence[Any]:
    """Queries, keys, values, a tree's words and its prefix, and the same as a boolean mask; one tree for all seeds."""
    heads, groups, size = sizes
    generator = torch.Generator(device).manual_seed(seed)
    some = partial(torch.randn, generator=generator, dtype=dtype, device=device)
    q_BHTD = some(1, rows, heads, size).transpose(1, 2)
    k_BGSD, v_BGSD = some(1, groups, prefix + rows, size), some(1, groups, prefix + rows, size)
    sees_TT = torch.eye(rows, dtype=torch.bool)
    for row in range(1, rows):
        sees_TT[row] |= sees_TT[(row - 1) // 3]
    sees_TT = sees_TT.to(device)
    visible_BTS = functional.pad(sees_TT, (prefix, 0), value=True)[None]
    length_B = torch.full((1,), prefix, dtype=torch.int32, device=device)
    return q_BHTD, k_BGSD, v_BGSD, pack_words(sees_TT), length_B, visible_BTS


def _by_words(q: Any, k: Any, v: Any, words: Any, length: Any, visible: Any, *, scale: float) -> torch.Tensor:
    mask = TreeMask(words_BTW=words[None], length_B=length, rows=q.shape[2])
    return tree_attention(q, k, v, mask, scale=scale)


def _by_mask(q: Any, k: Any, v: Any, words: Any, length: Any, visible: Any, *, scale: float) -> torch.Tensor:
    return tree_attention(q, k, v, visible, scale=scale)


def _replaced(q: Any, k: Any, v: Any, words: Any, length: Any, visible: Any, *, scale: float) -> torch.Tensor:
    return reference.tree_attention(q, k, v, visible, scale=scale)


def _sdpa(q: Any, k: Any, v: Any, words: Any, length: Any, visible: Any, *, scale: float) -> torch.Tensor:
    k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], dim=1) for x in (k, v))
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=visible[:, None], scale=scale)


def _flex(scale: float) -> Callable[..., torch.Tensor]:
    """Its table of blocks is made once, as a decoder would keep it; what a row sees of a block it reads from words."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    compiled, tables = torch.compile(flex_attention, dynamic=False), {}

    def run(q: Any, k: Any, v: Any, words: Any, length: Any, visible: Any) -> torch.Tensor:
        shape = (q.shape[2], k.shape[2])
        if shape not in tables:
            ancestors, prefix = words[:, 0], length[0]

            def sees(b: Any, h: Any, row: Any, key: Any) -> Any:
                return (key < prefix) | ((ancestors[row] >> (key - prefix).clamp(min=0)) & 1 != 0)

            tables[shape] = create_block_mask(sees, None, None, *shape, device=q.device)
        out: torch.Tensor = compiled(q, k, v, block_mask=tables[shape], scale=scale, enable_gqa=True)
        return out

    return run


def _flash(q: Any, k: Any, v: Any, words: Any, length: Any, visible: Any, *, scale: float) -> torch.Tensor:
    batch, heads, rows, size = q.shape
    groups, prefix = k.shape[1], k.shape[2] - rows
    folded = q.reshape(batch, groups, -1, size)
    flash = torch.ops.aten._scaled_dot_product_flash_attention
    before, log_before, *_ = flash(folded, k[:, :, :prefix], v[:, :, :prefix], scale=scale)
    scores = (folded @ k[:, :, prefix:].transpose(-1, -2)).float() * scale
    scores = scores.masked_fill(~visible[:, None, :, prefix:].repeat(1, 1, heads // groups, 1), float("-inf"))
    log_tree = scores.logsumexp(-1)
    tree = (scores - log_tree[..., None]).exp().to(v.dtype) @ v[:, :, prefix:]
    share = (log_before - log_tree).sigmoid()[..., None]
    together: torch.Tensor = (share * before + (1 - share) * tree).to(q.dtype)
    return together.reshape(batch, heads, rows, size)
