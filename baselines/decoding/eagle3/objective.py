"""EAGLE-3's training-time test (arXiv:2503.01840, section 3.2): every row drafts a chain, and learns from all of it.

    step 0    row i: g_i of the target's states, t_{i+1}, at position i, sees rows j <= i                 o_i^0
    step s    row i: g = o_i^{s-1}, t_{i+1+s}, at position i + s, sees step 0 of rows j <= i and steps 1..s of itself
    L       = sum over steps of 0.8^s CE(p(. | t_{<= i+1+s}), q_i^s)                 gradients through all steps

Row i of step s is what the drafter computes in its s-th pass behind the prefix that ends with t_{i+1}, if its drafts
are the text. p is the target's law of t_{i+2+s} restricted to the draft vocabulary, from the last state; there is no
regression. A row counts at step s where t_{i+2+s} belongs to the answer and to the draft vocabulary: answers are the
target's greedy ones, so that this token is its likeliest. Rows whose chain runs beyond the text are not computed, and
so count nowhere.

Ours: each step is the mean over the rows that count. The authors divide by all rows, padding and prompt too.

Shapes: B sequences, T rows, R rows that count, H hidden, F taps x H, D draft vocabulary.
"""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

from offbook.baselines.decoding.eagle3.network import Eagle3Network
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.drafters.batch import DraftBatch, LearnedRows
from offbook.engine.drafters.flops import FIRST, FORWARD, TRAINED, attention, through
from offbook.engine.drafters.kept_rows import KeptRows
from offbook.engine.drafters.loss import law_loss
from offbook.kernels.topk_logprobs import likeliest
from offbook.kernels.vocab_loss import TeacherLogits

DECAY = 0.8


def objective(network: nn.Module, batch: DraftBatch, head: DraftHead, *, steps: int) -> torch.Tensor:
    """L over so many steps; see the module."""
    assert isinstance(network, Eagle3Network)
    rows_R, last_R = batch.following_BT.nonzero(as_tuple=True)  # the sequence, and j of the law of t_{j+2}
    target_RD = functional.linear(batch.features_BSH[rows_R, last_R + 1], head.weight_DH).detach()
    loss = batch.features_BSH.new_zeros(())
    for step, predicted_BTH in enumerate(unrolled(network, batch, steps)):
        counts = last_R >= step  # step s of row i is about the law that step 0 of row i + s is about
        predicted_RH = predicted_BTH[rows_R[counts], last_R[counts] - step]
        law = TeacherLogits(logits_NW=target_RD[counts])
        loss = loss + DECAY**step * law_loss(network.norm(predicted_RH), network.lm_head.weight, law)
    return loss


def guesses(network: nn.Module, batch: DraftBatch, head: DraftHead, k: int) -> torch.Tensor:
    """See `DraftArchitecture`: those of step 0."""
    assert isinstance(network, Eagle3Network)
    (predicted_BTH,) = unrolled(network, batch, 1)
    index = likeliest(network.logits(predicted_BTH.flatten(0, 1)), k)
    return head.token_ids[index].view(*predicted_BTH.shape[:2], k)


def unrolled(network: Eagle3Network, batch: DraftBatch, steps: int) -> Iterator[torch.Tensor]:
    """Predictions of each step s, (B, T - s, H), while any row's chain lies within the text."""
    count, rows, _ = batch.embeds_BTH.shape
    device = batch.embeds_BTH.device
    kept = KeptRows()
    features_BTH = network.fuse(batch.inputs_BTF)
    for step in range(min(steps, rows)):
        left = rows - step
        earlier = torch.ones(left, rows, dtype=torch.bool, device=device).tril()
        own = [torch.eye(left, rows - s, dtype=torch.bool, device=device) for s in range(1, step + 1)]
        features_BTH, _ = network(
            batch.embeds_BTH[:, step:],
            features_BTH[:, :left],
            torch.arange(step, rows, device=device).expand(count, left),
            torch.cat([earlier, *own], dim=1).expand(count, left, -1),
            cache=kept,
        )
        yield features_BTH


def flops(network: nn.Module, learned: LearnedRows, head: DraftHead, *, steps: int) -> int:
    """See `engine.drafters.flops`; the target's law is asked for once, for all steps."""
    assert isinstance(network, Eagle3Network)
    layer = [module.weight for module in network.midlayer.modules() if isinstance(module, nn.Linear)]
    total = through(network.fc.weight, learned.rows, FIRST) + through(head.weight_DH, learned.later(0), FORWARD)
    keys = 0
    for step in range(min(steps, learned.rows)):
        rows = learned.rows - step
        keys += rows
        total += sum(through(weight, rows, TRAINED) for weight in layer) + attention(network.config, rows, keys)
        total += through(network.lm_head.weight, learned.later(step), TRAINED)
    return total
