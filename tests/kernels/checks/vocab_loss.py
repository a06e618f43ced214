"""The decisive checks of the vocabulary loss's kernels, and mistakes that they must find."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from offbook.kernels.vocab_loss import reference
from offbook.kernels.vocab_loss.chunked import Plan, one_pass
from offbook.kernels.vocab_loss.sizes import Rows, Tiles
from offbook.kernels.vocab_loss.terms import TeacherLogits, TeacherTop, checked
from tests.kernels.three_ways import no_worse

MUTANTS = (
    ("the label's entry is not lowered", "tl.where(at == label, q - 1.0, q)", "q"),
    (
        "ignored rows have their weight",
        "weight = tl.where(label >= 0, tl.load(weight_ptr + row), 0.0)",
        "weight = tl.load(weight_ptr + row)",
    ),
    ("sums keep an older base", "total = total * tl.exp(largest - base) +", "total = total +"),
    ("a barrier is missing", "        tl.debug_barrier()  # every thread has read the label's logit\n", ""),
    (
        "the held row's tail is not masked",
        'z = tl.load(z_ptr + at, mask=at < V, other=-float("inf"))\n        held',
        "z = tl.load(z_ptr + at, mask=at < V, other=0.0)\n        held",
    ),
    (
        "the teacher is read behind its row",
        "t = tl.load(t_ptr + at, mask=both,",
        "t = tl.load(t_ptr + at, mask=at < V,",
    ),
    (
        "laws are swapped",
        "p * tl.where(p > 0, log_p - log_q, 0.0), 0)\n        entropy",
        "p * tl.where(p > 0, log_q - log_p, 0.0), 0)\n        entropy",
    ),
    ("a share counts as all", "slope = share * mass * tl.exp", "slope = share * tl.exp"),
    (
        "likely entries keep what all have",
        "slope = share * (mass * tl.exp(log_q) - p)",
        "slope = share * mass * tl.exp(log_q)",
    ),
    ("columns behind the head are counted", "if MASK:", "if not MASK:"),
    ("a last group of tiles is as high as the others", "height = tl.minimum(down - first, GROUP)", "height = GROUP"),
    (
        "statistics are stored crosswise",
        "at = column_tile.to(tl.int64) * N + row",
        "at = row.to(tl.int64) * across + column_tile",
    ),
)

N, H, V = 6, 8, 70


def checks() -> list[Callable[[], None]]:
    return [labels_in_a_loop, labels_held, a_teacher_of_fewer_ids, likeliest_ids, a_head_without_logits]


def draw(*shape: int, seed: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def agree(rows: Rows, dtype: torch.dtype = torch.float32, **more: Any) -> None:
    """Losses, and the gradients of states and head, of kernels with such blocks; two chunks, a row without a label."""
    from offbook.kernels.vocab_loss import triton as kernels

    hidden, head = draw(N, H, seed=0, dtype=dtype), 2 * draw(V, H, seed=1, dtype=dtype)
    labels = torch.tensor([3, -100, 69, 0, 33, 64])
    weights = draw(N, seed=2)
    terms = checked(
        N, labels, weights, more.get("teacher"), more.get("divergence_weights_N"), more.get("temperature", 1.0)
    )
    plan = Plan(
        row_losses=partial(kernels.row_losses, rows=rows), hidden=True, head=True, compact=False, budget=4 * V * 4
    )
    found = one_pass(hidden, head, terms, plan)
    assert found.hidden_NH is not None
    assert found.head_VH is not None
    same, true = (by_autograd(hidden, head, labels, weights, kind, more) for kind in (dtype, torch.float64))
    ours = (found.losses.nll_N, found.losses.divergence_N, found.losses.entropy_N, found.hidden_NH, found.head_VH)
    for one, other, truth in zip(ours, same, true, strict=True):
        no_worse(one, other, truth)


def by_autograd(
    hidden: torch.Tensor, head: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, dtype: torch.dtype, more: Any
) -> tuple[torch.Tensor, ...]:
    hidden, head = (side.to(dtype).requires_grad_() for side in (hidden, head))
    found = reference.vocab_loss(hidden, head, labels, weights, **more)
    slopes = torch.autograd.grad(found.loss, (hidden, head))
    return found.nll_N, found.divergence_N, found.entropy_N, *slopes


def labels_in_a_loop() -> None:
    agree(Rows(32, 0, 1))


def labels_held() -> None:
    agree(Rows(32, 3, 1), torch.bfloat16)


def a_teacher_of_fewer_ids() -> None:
    teacher = TeacherLogits(logits_NW=draw(N, 80, seed=3)[:, 5:50])
    agree(Rows(32, 0, 1), teacher=teacher, divergence_weights_N=draw(N, seed=4), temperature=2.0)


def likeliest_ids() -> None:
    probs, ids = (3 * draw(N, V, seed=5)).softmax(-1).topk(5)
    probs[0, 4] = 0
    teacher = TeacherTop(ids_NK=ids, probs_NK=probs)
    agree(Rows(32, 0, 1), teacher=teacher, divergence_weights_N=draw(N, seed=6))


def a_head_without_logits() -> None:
    from offbook.kernels.vocab_loss import triton as kernels

    hidden, head = draw(20, 24, seed=7, dtype=torch.bfloat16), draw(V, 24, seed=8, dtype=torch.bfloat16)
    labels = torch.arange(20) * 3 + 12
    labels[5] = -1
    found = kernels.head_nll(hidden, head, labels, tiles=Tiles(16, 32, 16, 4, 1))
    true = reference.token_nll(hidden.double(), head.double(), labels)
    no_worse(found, reference.token_nll(hidden.float(), head.float(), labels), true)
