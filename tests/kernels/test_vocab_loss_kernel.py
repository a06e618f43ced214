"""The vocabulary loss's kernels: no worse than torch in the same dtype, for every kind of teacher and odd shapes."""

import importlib.util
from functools import partial
from typing import Any

import pytest
import torch

from offbook.kernels.implementation import interpreted
from offbook.kernels.vocab_loss import TeacherHead, TeacherLogits, TeacherTop, reference, token_nll, vocab_loss
from offbook.kernels.vocab_loss.chunked import Plan, one_pass
from offbook.kernels.vocab_loss.operation import token_nll_operation, vocab_loss_operation
from offbook.kernels.vocab_loss.sizes import Rows, Tiles
from offbook.kernels.vocab_loss.terms import checked
from tests.kernels.checks.vocab_loss import checks
from tests.kernels.running import interpreted_under_guard
from tests.kernels.three_ways import no_worse

DTYPES = [torch.float32, torch.float16, torch.bfloat16]
SHAPES = [(1, 1, 2), (5, 7, 70), (13, 33, 300), (3, 16, 4999)]
TEACHERS = ["none", "head", "logits", "likeliest"]


def draw(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def given(shape: tuple[int, int, int], teacher: str, dtype: torch.dtype, device: str) -> dict[str, Any]:
    """Arguments with labels that are missing, and a teacher with other ids than the student."""
    tokens, hidden, size = shape
    labels = torch.randint(size, (tokens,), generator=torch.Generator().manual_seed(1))
    labels[2::3] = -100
    law: Any = None
    if teacher == "head":
        law = TeacherHead(
            hidden_NG=draw(tokens, 5, seed=2).to(device, dtype), head_WG=draw(size + 3, 5, seed=3).to(device, dtype)
        )
    elif teacher == "logits":
        law = TeacherLogits(logits_NW=draw(tokens, max(1, size - 9), seed=4).to(device, dtype))
    elif teacher == "likeliest":
        probs, ids = draw(tokens, size, seed=5).softmax(-1).topk(min(size, 5))
        law = TeacherTop(ids_NK=ids.to(device), probs_NK=probs.to(device))
    return {
        "hidden_NH": draw(tokens, hidden, seed=6).to(device, dtype).requires_grad_(),
        "head_VH": (3 / hidden**0.5 * draw(size, hidden, seed=7)).to(device, dtype).requires_grad_(),
        "labels_N": labels.to(device),
        "weights_N": draw(tokens, seed=8).abs().to(device).requires_grad_(),
        "teacher": law,
        "divergence_weights_N": None if law is None else draw(tokens, seed=9).abs().to(device).requires_grad_(),
    }


def in_fp64(arguments: dict[str, Any]) -> dict[str, Any]:
    exact = dict(arguments)
    for name in ("hidden_NH", "head_VH", "weights_N", "divergence_weights_N"):
        if arguments[name] is not None:
            exact[name] = arguments[name].detach().double().requires_grad_()
    law = arguments["teacher"]
    if law is not None:
        exact["teacher"] = type(law)(**{n: x.double() if x.is_floating_point() else x for n, x in vars(law).items()})
    return exact


def results(function: Any, arguments: dict[str, Any], slope: float, **more: Any) -> dict[str, torch.Tensor]:
    found = function(**arguments, **more)
    names = [name for name, x in arguments.items() if isinstance(x, torch.Tensor) and x.requires_grad]
    slopes = torch.autograd.grad(slope * found.loss, [arguments[name] for name in names])
    each = {"loss": found.loss, "nll": found.nll_N, "divergence": found.divergence_N, "entropy": found.entropy_N}
    return each | dict(zip(names, slopes, strict=True))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("teacher", TEACHERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_kernels_err_no_more_than_torch(kernel_device, shape, teacher, dtype):
    arguments = given(shape, teacher, dtype, kernel_device)
    temperature = 1.0 if shape[2] % 2 else 1.7
    found = results(vocab_loss, arguments, -2.0, temperature=temperature, compact=False)
    same = results(reference.vocab_loss, arguments, -2.0, temperature=temperature)
    truth = results(reference.vocab_loss, in_fp64(arguments), -2.0, temperature=temperature)
    for name, value in found.items():
        no_worse(value, same[name], truth[name])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("teacher", TEACHERS)
def test_in_several_chunks_over_the_rows_that_count_it_is_the_same(kernel_device, teacher, dtype):
    shape = (23, 12, 129)
    arguments = given(shape, teacher, dtype, kernel_device)
    for name in ("weights_N", "divergence_weights_N"):
        if arguments[name] is not None:
            arguments[name] = arguments[name].detach()
            arguments[name][::2] = 0
    found = results(vocab_loss, arguments, 0.5, budget=4 * 2 * 129 * dtype.itemsize)
    same = results(reference.vocab_loss, arguments, 0.5)
    truth = results(reference.vocab_loss, in_fp64(arguments), 0.5)
    for name in ("loss", "hidden_NH", "head_VH"):
        no_worse(found[name], same[name], truth[name])


@pytest.mark.parametrize("rows", [Rows(64, 0, 1), Rows(64, 5, 1), Rows(512, 1, 1)], ids=["loop", "held", "at once"])
def test_however_a_row_is_cut_it_is_the_same_row(kernel_device, rows):
    from offbook.kernels.vocab_loss import triton as kernels

    arguments = given((7, 9, 291), "none", torch.bfloat16, kernel_device)
    hidden, head = arguments["hidden_NH"].detach(), arguments["head_VH"].detach()
    terms = checked(7, arguments["labels_N"], arguments["weights_N"].detach(), None, None, 1.0)
    plan = Plan(row_losses=partial(kernels.row_losses, rows=rows), hidden=True, head=True, compact=False, budget=None)
    found = one_pass(hidden, head, terms, plan)
    same, truth = (results(reference.vocab_loss, x, 1.0) for x in (arguments, in_fp64(arguments)))
    no_worse(found.losses.nll_N, same["nll"], truth["nll"])
    no_worse(found.hidden_NH, same["hidden_NH"], truth["hidden_NH"])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 8, 2), (5, 16, 70), (37, 7, 129), (33, 72, 4999)])
@pytest.mark.parametrize("compact", [True, False])
def test_a_measurement_errs_no_more_than_torch(kernel_device, shape, dtype, compact, monkeypatch):
    from offbook.kernels.vocab_loss import triton as kernels

    if kernel_device == "cpu":  # small tiles would be thousands of programs
        monkeypatch.setattr(kernels, "pick_tiles", lambda: Tiles(16, 512, 64, 4, 1))
    arguments = given(shape, "none", dtype, kernel_device)
    hidden, head, labels = (arguments[name] for name in ("hidden_NH", "head_VH", "labels_N"))
    found = token_nll(hidden, head, labels, compact=compact)
    assert not found.requires_grad
    assert found.dtype == torch.float32
    same = reference.token_nll(hidden, head, labels)
    no_worse(found, same, reference.token_nll(hidden.detach().double(), head.detach().double(), labels))


def test_a_head_in_half_precision_is_measured_without_logits(kernel_device, monkeypatch):
    from offbook.kernels.vocab_loss import triton as kernels

    calls = []
    plain = kernels.head_nll
    monkeypatch.setattr(kernels, "head_nll", lambda *given: calls.append(1) or plain(*given))
    hidden, labels = draw(3, 8, seed=0).to(kernel_device), torch.zeros(3, dtype=torch.long, device=kernel_device)
    head = draw(20, 8, seed=1).to(kernel_device)
    token_nll(hidden, head, labels)
    assert not calls
    token_nll(hidden.bfloat16(), head, labels)
    assert calls, "a head in fp32 is read as the states are"


@pytest.mark.parametrize("budget", [1, 400])
def test_measured_token_by_token_it_is_the_same(kernel_device, budget):
    hidden, head = (draw(*shape, seed=3).to(kernel_device).half() for shape in ((9, 8), (50, 8)))
    labels = torch.arange(9, device=kernel_device)
    torch.testing.assert_close(token_nll(hidden, head, labels, budget=budget), token_nll(hidden, head, labels))


def test_states_and_teacher_may_be_views(kernel_device):
    whole = given((8, 12, 60), "logits", torch.bfloat16, kernel_device)
    wide = torch.cat([whole["teacher"].logits_NW] * 2, dim=1)
    views = {
        **whole,
        "hidden_NH": whole["hidden_NH"].detach().T.contiguous().T.requires_grad_(),
        "weights_N": torch.stack([whole["weights_N"].detach()] * 2, dim=1)[:, 0].requires_grad_(),
        "teacher": TeacherLogits(logits_NW=wide[:, : whole["teacher"].logits_NW.shape[1]]),
    }
    assert not views["hidden_NH"].is_contiguous()
    found, expected = (results(vocab_loss, x, 1.0) for x in (views, whole))
    torch.testing.assert_close(found, expected)
    views["teacher"] = TeacherLogits(logits_NW=whole["teacher"].logits_NW.T.contiguous().T)
    torch.testing.assert_close(results(vocab_loss, views, 1.0), expected)


def test_a_student_near_its_teacher_keeps_its_small_gradient(kernel_device):
    wanted = (4 * draw(6, 300, seed=0)).to(kernel_device, torch.bfloat16)
    near = (wanted.float() + 0.02 * draw(6, 300, seed=1).to(kernel_device)).bfloat16().requires_grad_()
    eye, shares = torch.eye(300, device=kernel_device).bfloat16(), torch.ones(6, device=kernel_device)
    law = TeacherLogits(logits_NW=wanted)
    vocab_loss(near, eye, None, None, teacher=law, divergence_weights_N=shares, temperature=2.0).loss.backward()
    exact = near.detach().double().requires_grad_()
    more = {"teacher": law, "divergence_weights_N": shares, "temperature": 2.0}
    reference.vocab_loss(exact, eye.double(), None, None, **more).loss.backward()
    assert (near.grad.double() - exact.grad).norm() < 5e-3 * exact.grad.norm()


def test_ids_that_a_teacher_rules_out_count_as_nothing(kernel_device):
    arguments = given((4, 8, 90), "logits", torch.float32, kernel_device)
    arguments["teacher"].logits_NW[:, :70] = -torch.inf
    found, same = (results(function, arguments, 1.0) for function in (vocab_loss, reference.vocab_loss))
    torch.testing.assert_close(found, same)


@pytest.mark.parametrize("compact", [True, False])
def test_without_a_row_that_counts_loss_and_gradients_are_nought(kernel_device, compact):
    arguments = given((3, 8, 20), "none", torch.bfloat16, kernel_device)
    arguments["labels_N"][:] = -1
    found = results(vocab_loss, arguments, 1.0, compact=compact)
    assert not any(value.any() for value in found.values())
    hidden, head, labels = (arguments[name] for name in ("hidden_NH", "head_VH", "labels_N"))
    assert not token_nll(hidden, head, labels, compact=compact).any()


@pytest.mark.parametrize("implementation", ["reference", "triton"])
@pytest.mark.parametrize("teacher", TEACHERS)
def test_torch_finds_nothing_wrong_with_the_operators(kernel_device, teacher, implementation):
    given_ = given((4, 8, 20), teacher, torch.float32, kernel_device)
    law = given_["teacher"]
    tensors = {name: getattr(law, name, None) for name in ("hidden_NG", "head_WG", "logits_NW", "ids_NK", "probs_NK")}
    sides = [given_[name] for name in ("hidden_NH", "head_VH", "labels_N", "weights_N", "divergence_weights_N")]
    arguments = (*sides, *tensors.values(), 1.5, True, True, True, 0, implementation)
    torch.library.opcheck(vocab_loss_operation, arguments)
    if teacher == "none":
        some = (sides[0].detach().half(), sides[1].detach().half(), sides[2], True, 0, implementation)
        torch.library.opcheck(token_nll_operation, some)


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.__name__)
def test_the_decisive_checks_pass(check):
    if importlib.util.find_spec("triton") is None or not interpreted():
        pytest.skip("these are of interpreted kernels")
    with interpreted_under_guard("shuffle"):
        check()


@pytest.mark.gpu
def test_on_a_gpu_the_host_waits_for_nothing():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    for teacher in TEACHERS:
        arguments = given((40, 64, 1000), teacher, torch.bfloat16, "cuda")
        inputs = [x for x in arguments.values() if isinstance(x, torch.Tensor) and x.requires_grad]
        run = partial(vocab_loss, **arguments, compact=False, implementation="triton")
        torch.autograd.grad(run().loss, inputs)  # compiles
        measured = [arguments[name] for name in ("hidden_NH", "head_VH", "labels_N")]
        token_nll(*measured, compact=False, implementation="triton")
        torch.cuda.set_sync_debug_mode("error")
        try:
            torch.autograd.grad(run().loss, inputs)
            token_nll(*measured, compact=False, implementation="triton")
        finally:
            torch.cuda.set_sync_debug_mode("default")


@pytest.mark.gpu
def test_rows_beyond_two_billion_numbers_have_their_own_gradient():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    from offbook.kernels.vocab_loss import triton as kernels

    size = 2**20
    logits = torch.zeros(2**11 + 1, size, dtype=torch.bfloat16, device="cuda")
    labels = torch.zeros(len(logits), dtype=torch.long, device="cuda")
    terms = checked(len(logits), labels, torch.ones(len(logits), device="cuda"), None, None, 1.0)
    kernels.row_losses(logits, terms, gradient=True)
    assert (logits[:, 0] == -1).all()
    assert (logits[-1, 1:] > 0).all()
