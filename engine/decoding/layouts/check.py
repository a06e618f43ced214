"""Does a layout say what the plain one says? Asked once, with the weights that will decode, before anything is decoded.

A fixed prompt, a tree of two branches behind it, and a token behind the first branch once that is committed: logits and
hidden states of every row may differ by what fp32 rounds when sums are taken in another order, and by no more.
"""

import torch

from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.layouts.layout import BatchedLayout, Layout, causal_block
from offbook.engine.decoding.self_check import TREE

PROMPT = 9
BRANCH = (0, 1, 3, 5)  # the first of the tree's two
# Largest difference over the largest number of the same kind. Measured differences are of the order of 1e-6 to 1e-5; a
# weight, a norm or a mask that is taken wrongly changes a hundred times as much as this.
EXACT = 1e-4


def check_layout(layout: Layout, plain: Layout, *, layers: int, vocab_size: int, positions: int) -> float:
    """How far a layout is from the plain one: the largest difference, of logits or states, over the largest of these.

    Args:
        layout: what is checked.
        plain: what it is held against.
        layers: of the model.
        vocab_size: tokens to choose from.
        positions: how many the model was made for.

    Raises:
        ValueError: it is further away than rounding explains, or not finite where the plain one is.
    """
    prompt = max(1, min(PROMPT, positions - len(TREE)))
    generator = torch.Generator().manual_seed(0)
    text = torch.randint(vocab_size, (prompt + len(TREE) + 1,), generator=generator)
    taps = sorted({0, 1, layers // 2, layers})
    ours, theirs = (_outputs(which, text, prompt, layers, taps) for which in (layout, plain))
    worst = 0.0
    for found, expected in zip(ours, theirs, strict=True):
        difference = float((found - expected).abs().max() / expected.abs().max())
        worst = max(worst, difference) if difference == difference else float("nan")
        if not difference <= EXACT:
            msg = (
                f"expected the layout {layout.name} to say what transformers says, got numbers that differ by "
                f"{difference:.2g} of the largest (at most {EXACT:g} is rounding); take --layout transformers"
            )
            raise ValueError(msg)
    return worst


@torch.inference_mode()
def _outputs(layout: Layout, text: torch.Tensor, prompt: int, layers: int, taps: list[int]) -> list[torch.Tensor]:
    """Logits and states of the prompt, the tree, and the token behind its first branch."""
    cache = TreeCache(num_layers=layers, capacity=len(text))
    rows, causal = causal_block(0, prompt)
    outputs = [layout.step(text[:prompt], rows, causal, cache, taps=taps)]
    cache.commit(prompt)
    tree = TREE.tensors()
    tokens = text[prompt : prompt + len(TREE)]
    outputs.append(layout.step(tokens, prompt + tree.depths_N, tree.visible_NN, cache, taps=taps))
    cache.commit_path(torch.tensor(BRANCH))
    here, seen = causal_block(cache.length, 1)
    outputs.append(layout.step(text[-1:], here, seen, cache, taps=taps))
    found = [tensor for output in outputs for tensor in (output.logits_NV, *output.states)]
    if isinstance(layout, BatchedLayout):
        return [*found, layout.advance(text[-1:], [cache])]
    return [*found, layout.step(text[-1:], here, seen, cache).logits_NV]
