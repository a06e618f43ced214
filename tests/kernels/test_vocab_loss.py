"""The vocabulary's loss on a CPU: the chunked pass against all logits at once, and what it may not do on the way."""

import math
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from offbook.kernels.vocab_loss import (
    Losses,
    Teacher,
    TeacherHead,
    TeacherLogits,
    TeacherTop,
    loss_of_logits,
    reference,
    rows,
    token_nll,
    vocab_loss,
)
from offbook.kernels.vocab_loss.chunked import chunks
from tests.kernels.three_ways import no_worse

N, H, V = 13, 3, 41
TEACHERS = ("none", "head", "logits", "fewer ids", "more ids", "likeliest")


def draw(*shape: int, seed: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def teacher_of(name: str, dtype: torch.dtype = torch.float64) -> Teacher | None:
    if name == "none":
        return None
    if name == "head":
        return TeacherHead(hidden_NG=draw(N, 2, seed=3, dtype=dtype), head_WG=draw(V, 2, seed=4, dtype=dtype))
    if name == "likeliest":
        probs, ids = draw(N, V, seed=5).softmax(-1).topk(3)
        return TeacherTop(ids_NK=ids, probs_NK=probs.to(dtype))
    width = {"logits": V, "fewer ids": V - 5, "more ids": V + 7}[name]
    return TeacherLogits(logits_NW=draw(N, width, seed=6, dtype=dtype))


def given(teacher: str = "none", dtype: torch.dtype = torch.float64, temperature: float = 1.5) -> dict[str, Any]:
    """Arguments of both implementations; some tokens have no label, some no weight, some a negative one."""
    weights, shares = draw(N, seed=7, dtype=torch.float32), draw(N, seed=8, dtype=torch.float32)
    weights[2:5], shares[4:7] = 0, 0
    labels = torch.randint(V, (N,), generator=torch.Generator().manual_seed(9))
    labels[::4] = -100
    return {
        "hidden_NH": draw(N, H, seed=0, dtype=dtype).requires_grad_(),
        "head_VH": draw(V, H, seed=1, dtype=dtype).requires_grad_(),
        "labels_N": labels,
        "weights_N": weights.requires_grad_(),
        "teacher": teacher_of(teacher, dtype),
        "divergence_weights_N": None if teacher == "none" else shares.requires_grad_(),
        "temperature": temperature,
    }


def with_slopes(found: Losses, arguments: dict[str, Any], slope: float = 1.0) -> dict[str, torch.Tensor]:
    names = [name for name, x in arguments.items() if isinstance(x, torch.Tensor) and x.requires_grad]
    slopes = torch.autograd.grad(slope * found.loss, [arguments[name] for name in names])
    return {"loss": found.loss.detach(), "nll": found.nll_N, "divergence": found.divergence_N} | dict(
        zip(names, slopes, strict=True)
    )


@pytest.mark.parametrize("teacher", TEACHERS)
@pytest.mark.parametrize("budget", [1, 5 * V * 8, None])
def test_in_chunks_losses_and_gradients_are_those_of_all_logits_at_once(teacher, budget):
    ours, theirs = given(teacher), given(teacher)
    found = with_slopes(vocab_loss(**ours, compact=False, budget=budget), ours, -1.7)
    expected = with_slopes(reference.vocab_loss(**theirs), theirs, -1.7)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("teacher", TEACHERS)
def test_rows_that_add_nothing_are_left_out_and_reported_as_nought(teacher):
    ours, theirs = given(teacher), given(teacher)
    for arguments in (ours, theirs):  # whose own gradients need every row
        arguments["weights_N"].requires_grad_(False)
        if arguments["divergence_weights_N"] is not None:
            arguments["divergence_weights_N"].requires_grad_(False)
    counts = (ours["labels_N"] >= 0) & (ours["weights_N"] != 0)
    if teacher != "none":
        counts |= ours["divergence_weights_N"] != 0
    assert 0 < counts.sum() < N
    with Largest() as watched:
        found = with_slopes(vocab_loss(**ours), ours)
    assert watched.rows == counts.sum()
    expected = with_slopes(reference.vocab_loss(**theirs), theirs)
    for name in ("nll", "divergence"):
        expected[name] = expected[name] * counts
    torch.testing.assert_close(found, expected)


class Largest(TorchDispatchMode):
    """How many rows of a vocabulary the largest tensor has that is made meanwhile."""

    rows = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        if isinstance(found, torch.Tensor) and found.shape[-1:] == (V,):
            self.rows = max(self.rows, found.numel() // V)
        return found


@pytest.mark.parametrize("teacher", ["none", "head"])
def test_there_are_never_more_logits_than_the_budget_has_room_for(teacher):
    arguments = given(teacher)
    sides = 1 if teacher == "none" else 2
    with Largest() as watched:
        vocab_loss(**arguments, compact=False, budget=sides * 4 * V * 8 + 1).loss.backward()
    assert watched.rows == 4
    with Largest() as watched:
        reference.vocab_loss(**given(teacher)).loss.backward()
    assert watched.rows == N, "the watch would see them"


def test_chunks_are_as_few_as_the_budget_allows_and_about_as_long():
    assert chunks(7, 10, 30) == [slice(0, 3), slice(3, 5), slice(5, 7)]
    assert chunks(6, 10, 60) == [slice(0, 6)]
    assert chunks(2, 10, 1) == [slice(0, 1), slice(1, 2)], "a row at least"
    assert chunks(0, 10, 60) == []


def test_gradients_pass_torchs_own_check():
    arguments = given("logits")
    teacher, labels = arguments["teacher"], arguments["labels_N"]
    weights, shares = (
        arguments[name].detach().double().requires_grad_() for name in ("weights_N", "divergence_weights_N")
    )

    def loss(hidden, head, weights, shares):
        found = vocab_loss(
            hidden, head, labels, weights, teacher=teacher, divergence_weights_N=shares, temperature=0.7, compact=False
        )
        return found.loss

    assert torch.autograd.gradcheck(loss, (arguments["hidden_NH"], arguments["head_VH"], weights, shares))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("teacher", TEACHERS)
def test_in_a_lower_precision_it_errs_no_more_than_torch(teacher, dtype):
    ours, theirs = given(teacher, dtype), given(teacher, dtype)
    found = with_slopes(vocab_loss(**ours, compact=False, budget=4 * V * 4), ours)
    same = with_slopes(reference.vocab_loss(**theirs), theirs)
    truth = with_slopes(reference.vocab_loss(**(exact := in_fp64(given(teacher, dtype)))), exact)
    for name, value in found.items():
        no_worse(value, same[name], truth[name].double())


def in_fp64(arguments: dict[str, Any]) -> dict[str, Any]:
    exact = dict(arguments)
    for name in ("hidden_NH", "head_VH"):
        exact[name] = arguments[name].detach().double().requires_grad_()
    teacher = arguments["teacher"]
    if teacher is not None:
        exact["teacher"] = type(teacher)(
            **{name: x.double() if x.is_floating_point() else x for name, x in vars(teacher).items()}
        )
    return exact


def test_half_precision_states_under_a_full_head_are_what_autocast_computes():
    hidden, head = draw(N, H, seed=0, dtype=torch.float32), draw(V, H, seed=1, dtype=torch.float32)
    labels, weights = torch.arange(N), draw(N, seed=7, dtype=torch.float32)
    own, wide = hidden.bfloat16().requires_grad_(), head.clone().requires_grad_()
    found = vocab_loss(own, wide, labels, weights)
    x, w = hidden.requires_grad_(), head.requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        logits = torch.nn.functional.linear(x, w)
    expected = loss_of_logits(logits, labels, weights)
    torch.testing.assert_close(found.loss, expected.loss)
    torch.testing.assert_close(found.nll_N, expected.nll_N)
    found.loss.backward()
    expected.loss.backward()
    assert wide.grad.dtype == torch.float32
    torch.testing.assert_close(wide.grad, w.grad, rtol=1e-2, atol=1e-3)
    torch.testing.assert_close(own.grad.float(), x.grad, rtol=1e-2, atol=1e-3)


def test_autocast_around_it_changes_nothing():
    ours, theirs = given(dtype=torch.float32), given(dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        found = vocab_loss(**ours)
        nll = token_nll(ours["hidden_NH"], ours["head_VH"], ours["labels_N"])
    torch.testing.assert_close(with_slopes(found, ours), with_slopes(vocab_loss(**theirs), theirs))
    assert torch.equal(nll, token_nll(theirs["hidden_NH"], theirs["head_VH"], theirs["labels_N"]))


def test_nobody_is_given_a_gradient_that_was_not_asked_for():
    arguments = given("head")
    arguments["head_VH"].requires_grad_(False)
    vocab_loss(**arguments).loss.backward()
    assert arguments["head_VH"].grad is None
    assert arguments["hidden_NH"].grad is not None
    arguments = given("head")
    arguments["hidden_NH"].requires_grad_(False)
    vocab_loss(**arguments).loss.backward()
    assert arguments["hidden_NH"].grad is None
    assert arguments["head_VH"].grad is not None
    for context in (torch.no_grad(), torch.inference_mode()):
        with context:
            assert not vocab_loss(**given("head")).loss.requires_grad
    found = vocab_loss(**given("head"))
    assert found.loss.requires_grad
    assert not any(each.requires_grad for each in (found.nll_N, found.divergence_N, found.entropy_N))


def test_a_graph_that_is_kept_can_be_walked_twice():
    arguments = given()
    found = vocab_loss(**arguments)
    twice = [torch.autograd.grad(3.0 * found.loss, arguments["head_VH"], retain_graph=True)[0] for _ in range(2)]
    assert torch.equal(*twice)


def test_a_tied_embedding_gathers_both_gradients():
    table, tokens = draw(V, H, seed=1).requires_grad_(), torch.arange(N)
    vocab_loss(table[tokens].tanh(), table, tokens, torch.ones(N)).loss.backward()
    own, table.grad = table.grad, None
    reference.vocab_loss(table[tokens].tanh(), table, tokens, torch.ones(N)).loss.backward()
    torch.testing.assert_close(own, table.grad)


def test_views_are_read_as_they_lie():
    ours, theirs = given("logits"), given("logits")
    for name in ("hidden_NH", "head_VH"):
        ours[name] = ours[name].detach().T.contiguous().T.requires_grad_()
        assert not ours[name].is_contiguous()
    wide = torch.cat([ours["teacher"].logits_NW] * 2, dim=1)
    ours["teacher"] = TeacherLogits(logits_NW=wide[:, :V])
    found = with_slopes(vocab_loss(**ours), ours)
    torch.testing.assert_close(found["head_VH"], with_slopes(vocab_loss(**theirs), theirs)["head_VH"])


@pytest.mark.parametrize("compact", [True, False])
@pytest.mark.parametrize("tokens", [0, 3])
def test_without_a_row_that_counts_loss_and_gradients_are_nought(tokens, compact):
    hidden, head = draw(tokens, H, seed=0).requires_grad_(), draw(V, H, seed=1).requires_grad_()
    found = vocab_loss(hidden, head, torch.full((tokens,), -1), torch.ones(tokens), compact=compact)
    found.loss.backward()
    assert found.loss == 0
    assert found.nll_N.tolist() == [0.0] * tokens
    assert not hidden.grad.any()
    assert not head.grad.any()
    assert token_nll(hidden, head, torch.full((tokens,), -1), compact=compact).tolist() == [0.0] * tokens


def test_a_confident_label_keeps_its_small_gradient():
    """A label's entry that is lowered after rounding is off by 20 % at p = 0.99 in bf16."""
    head = torch.eye(V, H).bfloat16()
    hidden = torch.zeros(1, H).bfloat16()
    hidden[0, 2] = math.log(99 * (V - 1))
    own = hidden.clone().requires_grad_()
    vocab_loss(own, head, torch.tensor([2]), torch.ones(1)).loss.backward()
    exact = hidden.double().requires_grad_()
    reference.vocab_loss(exact, head.double(), torch.tensor([2]), torch.ones(1)).loss.backward()
    torch.testing.assert_close(own.grad.double(), exact.grad, rtol=5e-3, atol=0)


def test_a_student_near_its_teacher_keeps_its_small_gradient():
    """All in bf16 torch loses a third of it; differences that are formed in fp32 do not."""
    size = 1000
    eye = torch.eye(size).bfloat16()  # states are logits
    wanted = (4 * draw(6, size, seed=0, dtype=torch.float32)).bfloat16()
    near = (wanted + 0.02 * draw(6, size, seed=1, dtype=torch.float32)).bfloat16()
    own, exact = near.clone().requires_grad_(), near.double().requires_grad_()
    shares = torch.ones(6)
    law = TeacherLogits(logits_NW=wanted)
    vocab_loss(own, eye, None, None, teacher=law, divergence_weights_N=shares, temperature=2.0).loss.backward()
    true = reference.vocab_loss(
        exact, eye.double(), None, None, teacher=law, divergence_weights_N=shares, temperature=2.0
    )
    true.loss.backward()
    assert (own.grad.double() - exact.grad).norm() < 5e-3 * exact.grad.norm()


def test_ids_that_a_teacher_rules_out_count_as_nothing():
    ours = given("logits")
    ours["teacher"].logits_NW[:, 5:20] = -math.inf
    found = with_slopes(vocab_loss(**ours), ours)
    assert all(x.isfinite().all() for x in found.values())
    theirs = given("logits")
    theirs["teacher"].logits_NW[:, 5:20] = -1e4
    torch.testing.assert_close(found["hidden_NH"], with_slopes(vocab_loss(**theirs), theirs)["hidden_NH"])


def test_divergence_and_entropy_are_the_cross_entropy():
    arguments = given("logits", temperature=1.0)
    found = vocab_loss(**arguments, compact=False)
    log_q = (arguments["hidden_NH"] @ arguments["head_VH"].T).log_softmax(-1)
    p = arguments["teacher"].logits_NW.softmax(-1)
    torch.testing.assert_close(found.divergence_N + found.entropy_N, -(p * log_q).sum(-1).detach())


@pytest.mark.parametrize("compact", [True, False])
def test_a_measurement_is_the_loss_of_each_token(compact):
    arguments = given()
    hidden, head, labels = (arguments[name] for name in ("hidden_NH", "head_VH", "labels_N"))
    with Largest() as watched:
        found = token_nll(hidden, head, labels, compact=compact, budget=3 * V * 8)
    assert watched.rows == 3
    assert not found.requires_grad
    torch.testing.assert_close(found, reference.token_nll(hidden, head, labels))


def test_blocks_of_rows_are_read_one_after_another(monkeypatch):
    monkeypatch.setattr(rows, "BLOCK_BYTES", 2 * V * 8)
    for teacher in TEACHERS:
        ours, theirs = given(teacher), given(teacher)
        torch.testing.assert_close(
            with_slopes(vocab_loss(**ours, compact=False), ours),
            with_slopes(reference.vocab_loss(**theirs), theirs),
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights_N": None}, "labels and weights together"),
        ({"divergence_weights_N": torch.ones(N)}, "a teacher and weights together"),
        ({"labels_N": None, "weights_N": None}, "expected labels or a teacher, got neither"),
        ({"weights_N": torch.ones(N, 1)}, r"one weight for each of 13 tokens, got \(13, 1\)"),
        ({"labels_N": torch.ones(N + 1).long()}, r"one label for each of 13 tokens, got \(14,\)"),
        ({"temperature": 0.0}, "a temperature above 0, got 0.0"),
    ],
)
def test_terms_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        vocab_loss(**given() | changes)
