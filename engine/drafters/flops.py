"""Floating-point operations of a drafter's training: those of its matrix products, by the sizes of the matrices.

    (m, k) times (k, n)                        2 m k n: one product
    rows through a trained matrix              3 products: forward, gradient of the matrix, gradient of the rows
    ... where nobody asks for the rows'        2
    rows through the target's head, frozen     2: forward, gradient of the rows
    the target's law at a row                  1: forward
    m queries over n keys                      6 of m n: scores and mixtures, forward and the gradients of both sides

What is computed counts, whether a loss looks at it or not: all rows of prompt and answer go through a draft layer,
those that count through a head. Left out are norms, activations and softmaxes, the optimiser, the padding of a batch
to its longest sequence, what is measured on development rows, and the target's own forwards, which made answers and
features.
"""

from collections.abc import Sequence

import torch
from torch import nn

from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.drafters.architecture import DraftArchitecture
from offbook.engine.drafters.batch import DraftData

TRAINED = 3
FIRST = 2  # a trained matrix whose rows are data
FROZEN = 2
FORWARD = 1


def through(weight_OI: torch.Tensor, rows: int, products: int) -> int:
    """So many products of rows with a matrix."""
    return 2 * products * rows * weight_OI.numel()


def attention(config: DraftConfig, queries: int, keys: int) -> int:
    """Attention of a draft layer, forward and backward."""
    return 2 * 6 * queries * keys * config.num_attention_heads * config.head_dim


def training_cost(
    architecture: DraftArchitecture,
    network: nn.Module,
    data: DraftData,
    rows: Sequence[int],
    head: DraftHead,
    *,
    epochs: int,
) -> dict[str, int]:
    """What a checkpoint says a training took: `gradient_tokens` and, where the architecture counts them, `flops`.

    Gradient tokens are answer tokens of the draft vocabulary that the drafter learned to predict, once an epoch,
    however many heads or passes learn from each.

    Args:
        architecture: what was trained.
        network: with its weights, for their sizes.
        data: of the training.
        rows: its sequences.
        head: of the draft vocabulary.
        epochs: how often each was seen.
    """
    learned = [data.learned(i) for i in rows]
    found = {"gradient_tokens": epochs * sum(one.later(0) for one in learned)}
    if architecture.flops is not None:
        found["flops"] = epochs * sum(architecture.flops(network, one, head) for one in learned)
    return found
