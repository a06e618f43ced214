"""The repaired interpreter: bf16 as torch has it, and loops as long as they are told at run time."""

import types

import pytest
import torch

from offbook.kernels.implementation import interpreted
from offbook.kernels.proof.interpreter import missing_names, repair

triton = pytest.importorskip("triton", reason="Triton is not installed here")
if not interpreted():
    pytest.skip("kernels run on the GPU here, and are not interpreted", allow_module_level=True)
tl = pytest.importorskip("triton.language")


@pytest.fixture(autouse=True)
def _repaired():
    repair()
    repair()  # which changes nothing any more


@triton.jit
def converted(x_ptr, y_ptr, N, B: tl.constexpr):
    at = tl.program_id(0) * B + tl.arange(0, B)
    x = tl.load(x_ptr + at, mask=at < N, other=0)
    tl.store(y_ptr + at, x.to(y_ptr.dtype.element_ty), mask=at < N)


@triton.jit
def multiplied(a_ptr, b_ptr, c_ptr, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    m, n, k = tl.arange(0, M), tl.arange(0, N), tl.arange(0, K)
    a = tl.load(a_ptr + m[:, None] * K + k[None, :])
    b = tl.load(b_ptr + k[:, None] * N + n[None, :])
    tl.store(c_ptr + m[:, None] * N + n[None, :], tl.dot(a, b, input_precision="ieee"))


@triton.jit
def combined(x_ptr, y_ptr, out_ptr, WHAT: tl.constexpr, B: tl.constexpr):
    at = tl.arange(0, B)
    x, y = tl.load(x_ptr + at), tl.load(y_ptr + at)
    if WHAT == "sum":
        z = x + y
    elif WHAT == "product":
        z = x * y
    elif WHAT == "half":
        z = x * 0.5
    elif WHAT == "larger":
        z = tl.where(x > y, x, y)
    elif WHAT == "magnitude":
        z = tl.abs(x)
    elif WHAT == "running":
        z = tl.cumsum(x, 0)
    else:
        z = x / y
    tl.store(out_ptr + at, z)


@triton.jit
def folded(x_ptr, out_ptr, B: tl.constexpr):
    x = tl.load(x_ptr + tl.arange(0, B))
    tl.store(out_ptr, tl.sum(x, 0).to(tl.float32))
    tl.store(out_ptr + 1, tl.max(x, 0).to(tl.float32))
    tl.store(out_ptr + 2, tl.argmax(x, 0).to(tl.float32))


@triton.jit
def summed(x_ptr, out_ptr, N, B: tl.constexpr):
    total = 0.0
    for start in range(0, N, B):
        at = start + tl.arange(0, B)
        total += tl.sum(tl.load(x_ptr + at, mask=at < N, other=0.0), 0)
    tl.store(out_ptr, total)


def every_kind_of_float32() -> torch.Tensor:
    """Random patterns of bits, and numbers in the middle between two of bf16."""
    generator = torch.Generator().manual_seed(0)
    bits = torch.randint(-(2**31), 2**31, (6000,), generator=generator).to(torch.int32)
    middles = (bits[:2000] & ~0xFFFF) | 0x8000
    special = torch.tensor([0.0, -0.0, float("inf"), -float("inf"), 3.4e38, -3.4e38, 1e-45, 1e-39, 1.0])
    return torch.cat([bits.view(torch.float32), middles.view(torch.float32), special])


def test_float32_becomes_bfloat16_bit_by_bit_as_in_torch():
    x = every_kind_of_float32()
    found = torch.empty_like(x, dtype=torch.bfloat16)
    converted[(triton.cdiv(x.numel(), 4096),)](x, found, x.numel(), B=4096)
    number = ~x.isnan()
    assert torch.equal(found[number].view(torch.int16), x[number].bfloat16().view(torch.int16))
    assert found[~number].isnan().all()
    back = torch.empty_like(x)
    converted[(triton.cdiv(x.numel(), 4096),)](found, back, x.numel(), B=4096)
    assert torch.equal(back[number], x[number].bfloat16().float())


@pytest.mark.parametrize("dtype", [torch.int32, torch.float16, torch.float64])
def test_other_types_become_bfloat16_and_back(dtype):
    x = torch.arange(-100, 100).to(dtype)
    there, back = torch.empty(200, dtype=torch.bfloat16), torch.empty(200, dtype=dtype)
    converted[(1,)](x, there, 200, B=256)
    converted[(1,)](there, back, 200, B=256)
    assert torch.equal(there, x.bfloat16())
    assert torch.equal(back, x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_products_of_matrices_are_summed_in_float32(dtype):
    generator = torch.Generator().manual_seed(1)
    a, b = (torch.randn(shape, generator=generator).to(dtype) for shape in ((16, 64), (64, 32)))
    c = torch.empty(16, 32)
    multiplied[(1,)](a, b, c, M=16, N=32, K=64)
    truth = a.double() @ b.double()
    assert ((c - truth).norm() / truth.norm()).item() < 2e-7


@pytest.mark.parametrize(
    ("what", "same"),
    [
        ("sum", lambda x, y: x + y),
        ("product", lambda x, y: x * y),
        ("quotient", lambda x, y: x / y),
        ("half", lambda x, y: x * 0.5),
        ("larger", torch.maximum),
        ("magnitude", lambda x, y: x.abs()),
        ("running", lambda x, y: x.float().cumsum(0).bfloat16()),
    ],
)
def test_each_operation_on_bfloat16_rounds_once(what, same):
    generator = torch.Generator().manual_seed(2)
    x, y = (torch.randn(64, generator=generator).bfloat16() for _ in range(2))
    found = torch.empty(64, dtype=torch.bfloat16)
    combined[(1,)](x, y, found, WHAT=what, B=64)
    assert torch.equal(found, same(x, y))


def test_bfloat16_is_folded():
    x = torch.randn(128, generator=torch.Generator().manual_seed(3)).bfloat16()
    found = torch.empty(3)
    folded[(1,)](x, found, B=128)
    assert torch.equal(found, torch.stack([x.float().sum().bfloat16().float(), x.max().float(), x.argmax().float()]))


@pytest.mark.parametrize("count", [1, 16, 50])
def test_a_loop_ends_where_it_is_told_at_run_time(count):
    found = torch.empty(1)
    summed[(1,)](torch.ones(count), found, count, B=16)
    assert found.item() == count


def test_an_interpreter_without_a_function_that_is_changed_is_refused_by_name():
    older = types.SimpleNamespace(
        InterpreterBuilder=type("InterpreterBuilder", (), {"cast_impl": 0, "binary_op": 0}),
        ReduceOps=type("ReduceOps", (), {"apply_impl": 0}),
    )
    missing = missing_names(older)
    assert {"InterpreterBuilder.create_dot", "ScanOps.apply_impl", "_patch_lang_tensor"} <= set(missing)
    assert not {"InterpreterBuilder.cast_impl", "InterpreterBuilder.binary_op", "ReduceOps.apply_impl"} & set(missing)
