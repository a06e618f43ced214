"""The top-k kernel against fp64, plain torch and its own specification."""

import pytest
import torch

from offbook.kernels import topk_logprobs as package
from offbook.kernels.topk_logprobs import likeliest, topk_logprobs, topk_of_logits
from tests.kernels.checks.topk_logprobs import by_rank, checks
from tests.kernels.three_ways import no_worse

DTYPES = (torch.float32, torch.float16, torch.bfloat16)
SHAPES = (  # rows, vocabulary, k
    *((1, 1, 1), (3, 2, 2), (5, 70, 7), (2, 127, 3), (2, 128, 1), (2, 129, 64)),
    *((1, 385, 40), (2, 4099, 10)),
)


def draw(*sizes: int, device: str, dtype: torch.dtype = torch.float32, spread: float = 3.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(sizes))
    return (torch.randn(*sizes, generator=generator) * spread).to(dtype).to(device)


def same_places(logits: torch.Tensor, k: int) -> None:
    """Whatever the dtype and shape: the places of the stable sort, and log-probabilities close to fp64's."""
    logprobs, index = topk_of_logits(logits, k)
    expected, order = by_rank(logits, k)
    assert logprobs.dtype == torch.float32
    assert index.equal(order)
    torch.testing.assert_close(logprobs.double(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("rows", "size", "k"), SHAPES)
def test_the_k_largest_come_best_first_and_as_exactly_as_torch_has_them(kernel_device, dtype, rows, size, k):
    logits = draw(rows, size, device=kernel_device, dtype=dtype)
    logprobs, index = topk_of_logits(logits, k)
    expected, order = by_rank(logits, k)
    assert logprobs.dtype == torch.float32
    assert index.equal(order)  # in half precision many are equal, and the first of them wins
    no_worse(logprobs, logits.log_softmax(dim=-1).gather(-1, order), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients_are_as_exact_as_torchs(kernel_device, dtype):
    logits = draw(4, 301, device=kernel_device, dtype=dtype)
    upstream = draw(4, 6, device=kernel_device)
    found = logits.clone().requires_grad_()
    (topk_of_logits(found, 6)[0] * upstream).sum().backward()
    plain = logits.clone().requires_grad_()
    order = by_rank(logits, 6)[1]
    (plain.log_softmax(dim=-1).gather(-1, order) * upstream).sum().backward()
    exact = logits.double().requires_grad_()
    (exact.log_softmax(dim=-1).gather(-1, order) * upstream).sum().backward()
    assert found.grad.dtype == dtype
    no_worse(found.grad, plain.grad, exact.grad)


VIEWS = {
    "sliced columns": lambda x: x[:, 3:203],
    "every second row": lambda x: x[::2],
    "columns apart": lambda x: x[:, :8].t(),
    "one column of many": lambda x: x[:, :8].t()[:, :1],
    "one row again and again": lambda x: x[:1].expand(3, -1),
    "several heads": lambda x: x.view(2, 3, 260),
    "heads and rows exchanged": lambda x: x.view(2, 3, 260).transpose(0, 1),
    "a row alone": lambda x: x[2],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_logits_may_have_any_shape_and_strides(kernel_device, view):
    same_places(view(draw(6, 260, device=kernel_device)), 5)


def test_all_are_found_where_there_are_fewer_than_k(kernel_device):
    logits = draw(3, 40, device=kernel_device)
    logprobs, index = topk_of_logits(logits, 64)
    assert logprobs.shape == index.shape == (3, 40)
    same_places(logits, 40)


def test_of_equal_logits_the_first_are_found(kernel_device):
    _, index = topk_of_logits(torch.full((2, 1000), 0.25, device=kernel_device), 20)
    assert index.tolist() == [list(range(20))] * 2


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of numpy, in the interpreter
def test_whatever_is_not_finite_gives_different_places_of_the_vocabulary(kernel_device):
    logits = draw(4, 300, device=kernel_device)
    logits[0, 5] = torch.nan
    logits[1, :] = torch.nan
    logits[2, 7:] = -torch.inf
    logits[3, 9] = torch.inf
    _, index = topk_of_logits(logits, 10)
    for row in index.tolist():
        assert len(set(row)) == 10
        assert min(row) >= 0
        assert max(row) < 300
    assert index[2, :7].sort().values.tolist() == [*range(7)]
    assert index[3, 0] == 9


def test_scores_of_confident_half_precision_logits_are_never_quite_zero(kernel_device):
    logits = torch.zeros(1, 500, dtype=torch.bfloat16, device=kernel_device)
    logits[0, 3] = 16
    logprobs, _ = topk_of_logits(logits, 2)
    assert -1e-3 < float(logprobs[0, 0]) < 0


def test_no_row_is_no_work(kernel_device):
    logprobs, index = topk_of_logits(torch.zeros(2, 0, 50, device=kernel_device), 3)
    assert logprobs.shape == index.shape == (2, 0, 3)


def test_a_head_is_multiplied_first_and_indices_can_be_had_alone(kernel_device):
    hidden, head = draw(3, 16, device=kernel_device), draw(200, 16, device=kernel_device)
    logprobs, index = topk_logprobs(hidden, head, 4)
    expected, order = by_rank(hidden.double() @ head.double().T, 4)
    assert index.equal(order)
    assert likeliest(hidden @ head.T, 4).equal(order)
    torch.testing.assert_close(logprobs.double(), expected, rtol=1e-5, atol=1e-5)


def test_auto_takes_the_kernel_where_it_fits_and_the_reference_elsewhere(kernel_device, monkeypatch):
    from offbook.kernels.topk_logprobs import triton as kernels

    calls = []
    launch = kernels.top
    monkeypatch.setattr(kernels, "top", lambda logits, k: calls.append(k) or launch(logits, k))
    logits = draw(2, 200, device=kernel_device)
    topk_of_logits(logits, 3)
    likeliest(logits, 4)
    assert calls == [3, 4]
    topk_of_logits(logits, package.MOST + 1)
    topk_of_logits(logits, 3, implementation="reference")
    assert topk_of_logits(logits.double(), 3)[0].dtype == torch.float64
    assert calls == [3, 4]
    for wrong in (logits, package.MOST + 1), (logits.double(), 3):
        with pytest.raises(ValueError, match=r"expected at most 64 of a row of fp32, fp16 or bf16"):
            topk_of_logits(*wrong, implementation="triton")


@pytest.mark.parametrize("implementation", ["reference", "triton"])
def test_the_operation_is_one_that_torch_can_compile_and_differentiate(kernel_device, implementation):
    logits = draw(2, 3, 150, device=kernel_device).requires_grad_()
    torch.library.opcheck(package._topk_of_logits, (logits, 5, implementation))


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.__name__)
def test_a_check_for_mutants_holds(kernel_device, check):
    if kernel_device == "cuda":
        pytest.skip("the mutants are run in the interpreter")
    check()


def test_without_a_kernel_several_heads_are_as_good_as_each():
    logits = draw(3, 2, 90, device="cpu")
    logprobs, index = topk_of_logits(logits, 4)
    for head in range(3):
        alone, places = topk_of_logits(logits[head], 4)
        assert logprobs[head].equal(alone)
        assert index[head].equal(places)
    assert likeliest(logits, 4).equal(index)


def test_the_plain_reference_has_the_gradient_that_autograd_finds():
    logits = draw(3, 50, device="cpu").double().requires_grad_()
    upstream = draw(3, 4, device="cpu").double()
    logprobs, index = package.reference.topk_of_logits(logits, 4)
    (logprobs * upstream).sum().backward()
    found = package.reference.gradient(upstream, logits.detach(), index)
    torch.testing.assert_close(found, logits.grad)
