"""How probable several continuations of one prompt are: the prompt is read once, each continuation a branch behind it.

    rows        prompt | continuation 0 | continuation 1 | ...     (their last tokens predict nothing and are left out)
    positions   0..P-1 | P, P+1 ...     | P, P+1 ...     | ...
    visible     a branch sees the prompt and itself, never another branch

It is one block of the backbone, in whatever layout its weights are: a tree whose root is the prompt's last token.

Legend: M rows, P of them the prompt's, n rows that predict something, V vocabulary.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.finite import check_logits


@torch.inference_mode()
def continuation_logprobs(
    backbone: Backbone, prompt: Sequence[int], continuations: Sequence[Sequence[int]]
) -> list[list[float]]:
    """The log-probability of every token of every continuation, in nats, each given the prompt and those before it.

    Args:
        backbone: with the tree attention selected, where its layout needs one.
        prompt: at least one token.
        continuations: at least one, of at least one token each.

    Raises:
        ValueError: a continuation without a token, which would be certain.
        NotFiniteError: logits that are not finite.
    """
    if not all(continuations):
        place = [len(continuation) for continuation in continuations].index(0)
        msg = f"expected continuations of at least one token, got none in number {place + 1}; check text and tokenizer"
        raise ValueError(msg)
    tokens, positions, edges = [*prompt], [*range(len(prompt))], [len(prompt)]
    for continuation in continuations:
        tokens += continuation[:-1]
        positions += range(len(prompt), len(prompt) + len(continuation) - 1)
        edges.append(len(tokens))
    before = len(prompt) - 1  # rows that predict nothing that is asked for
    output = backbone.step(
        torch.tensor(tokens, device=backbone.device),
        torch.tensor(positions, device=backbone.device),
        _visible(edges).to(backbone.device),
        backbone.new_cache(len(tokens)),
        logits_for=len(tokens) - before,
    )
    check_logits(output.logits_NV)
    logprobs_nV = output.logits_NV.float().log_softmax(dim=-1)
    found = []
    for continuation, (start, end) in zip(continuations, pairwise(edges), strict=True):
        rows = [0, *range(start - before, end - before)]
        values: list[float] = logprobs_nV[rows, list(continuation)].double().tolist()
        found.append(values)
    return found


@torch.inference_mode()
def next_token_logprobs(backbone: Backbone, prompt: Sequence[int], text: Sequence[int]) -> torch.Tensor:
    """The law of every token of a text behind a prompt, log-probabilities (len(text), V) in fp32.

    Raises:
        NotFiniteError: logits that are not finite.
    """
    tokens = torch.tensor([*prompt, *text[:-1]], device=backbone.device)
    output = backbone.extend(tokens, backbone.new_cache(len(tokens)), logits_for=len(text))
    check_logits(output.logits_NV)
    return output.logits_NV.float().log_softmax(dim=-1)


def _visible(edges: Sequence[int]) -> torch.Tensor:
    """Which rows each row sees, (M, M): of the prompt and of its own branch those up to itself."""
    sizes = torch.tensor([edges[0], *(end - start for start, end in pairwise(edges))])
    block_M = torch.arange(len(sizes)).repeat_interleave(sizes)
    own_MM = (block_M[:, None] == block_M) | (block_M == 0)
    return own_MM & torch.ones_like(own_MM).tril()
