"""Weights found again in their small form, bit for bit, and products with them against fp64."""

import os
import subprocess
import sys

import pytest
import torch

from offbook.kernels.packed_linear import (
    Kind,
    NativeMatrix,
    dequantise,
    find_exact,
    instruction_sets,
    native_available,
    packed_linear,
)
from offbook.kernels.packed_linear.formats import as_fp32, find_bf16, find_q4_1, find_q8_0

AVAILABLE, WHY = native_available()
native = pytest.mark.skipif(not AVAILABLE, reason=f"the layout packed is not on offer: {WHY}")
SETS = instruction_sets() if AVAILABLE else ()
ROWS = [*range(1, 10), 12, 13, 16, 17, 24, 25, 40]


def halves(*shape, low=0.01, high=0.05):
    return (torch.rand(shape) * (high - low) + low).half().float()


def weights(kind, rows, columns, seed=0):
    """A matrix (rows, columns) that has an exact form of this kind."""
    torch.manual_seed(seed)
    blocks = (rows, columns // 32, 32)
    if kind == Kind.F32:
        return torch.randn(rows, columns)
    if kind == Kind.BF16:
        return torch.randn(rows, columns).bfloat16().float()
    if kind == Kind.Q8_0:
        q = torch.randint(-127, 128, blocks)
        q[..., 3] = 127
        return (halves(*blocks[:2])[..., None] * q).reshape(rows, columns)
    q = torch.randint(0, 16, blocks)
    q[..., 5], q[..., 7] = 0, 15
    return (halves(*blocks[:2])[..., None] * q - halves(*blocks[:2], low=0.2, high=0.4)[..., None]).reshape(
        rows, columns
    )


@pytest.mark.parametrize("kind", list(Kind))
def test_the_form_is_found_again_bit_for_bit(kind):
    weight = weights(kind, 21, 96)
    matrix = find_exact(weight)
    assert matrix.kind == kind
    assert torch.equal(dequantise(matrix), weight)


@pytest.mark.parametrize("kind", [Kind.Q4_1, Kind.Q8_0, Kind.BF16])
def test_one_changed_weight_is_never_rounded_into_the_form(kind):
    weight = weights(kind, 21, 96)
    weight[17, 70] = torch.nextafter(weight[17, 70], torch.tensor(9.0))
    matrix = find_exact(weight)
    assert matrix.kind == Kind.F32
    assert torch.equal(dequantise(matrix), weight)


def test_blocks_of_one_value_and_of_zeros_are_found():
    weight = weights(Kind.Q4_1, 3, 64)
    weight[1, :32], weight[2, 32:] = 0.25, 0.0
    assert torch.equal(dequantise(find_q4_1(weight)), weight)
    weight = weights(Kind.Q8_0, 3, 64)
    weight[1, :32] = 0.0
    assert torch.equal(dequantise(find_q8_0(weight)), weight)


def test_the_sign_of_a_zero_is_a_weight_too():
    weight = weights(Kind.Q8_0, 3, 64)
    weight[1, 5] = -0.0
    assert find_q8_0(weight) is None


def test_columns_that_are_no_whole_blocks_stay_as_they_are():
    weight = weights(Kind.Q4_1, 4, 64)[:, :40].contiguous()
    assert find_q4_1(weight) is None
    assert find_q8_0(weight) is None
    assert find_exact(weight).kind == Kind.F32


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e30])
def test_weights_that_no_block_holds_stay_as_they_are(bad):
    weight = weights(Kind.Q4_1, 4, 64)
    weight[2, 40] = bad
    assert find_q4_1(weight) is None
    assert find_q8_0(weight) is None


def test_the_plain_product_is_the_product_with_the_weights_as_they_were():
    weight, x, bias = weights(Kind.Q4_1, 21, 96), torch.randn(5, 96), torch.randn(21)
    assert torch.equal(packed_linear(x, find_exact(weight), bias), torch.nn.functional.linear(x, weight, bias))


def error(y, x, weight):
    """The largest, relative to what the terms of a sum add up to without their signs."""
    truth, size = x.double() @ weight.double().T, x.double().abs() @ weight.double().abs().T
    return float(((y.double() - truth).abs() / size).max())


@native
@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(("rows", "columns"), [(16, 32), (37, 96), (5, 64), (33, 288)])
def test_products_err_no_more_than_torch_does(kind, rows, columns, instruction_set):
    weight = weights(kind, rows, columns)
    matrix = NativeMatrix(find_exact(weight))
    assert matrix.kind == kind
    for m in ROWS:
        x = torch.randn(m, columns)
        assert error(matrix(x, instruction_set=instruction_set), x, weight) < 1e-6, m


@native
@pytest.mark.parametrize("instruction_set", SETS)
def test_any_number_of_columns_is_multiplied_where_the_form_has_no_blocks(instruction_set):
    for columns in (1, 3, 8, 37, 257):
        for find in (as_fp32, find_bf16):
            weight = weights(Kind.BF16, 19, columns)
            for m in (1, 2, 7, 30):
                x = torch.randn(m, columns)
                assert error(NativeMatrix(find(weight))(x, instruction_set=instruction_set), x, weight) < 1e-6


@native
def test_the_bias_is_added():
    weight, bias, x = weights(Kind.Q8_0, 21, 64), torch.randn(21), torch.randn(3, 64)
    torch.testing.assert_close(NativeMatrix(find_exact(weight), bias)(x), torch.nn.functional.linear(x, weight, bias))


@native
@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_comes_out(bad, instruction_set):
    for kind in Kind:
        matrix = NativeMatrix(find_exact(weights(kind, 20, 64)))
        for m in (1, 6, 30):
            x = torch.randn(m, 64)
            x[m - 1, 33] = bad
            found = matrix(x, instruction_set=instruction_set).isfinite()
            assert found[: m - 1].all()
            assert not found[m - 1].any()


@native
def test_other_activations_are_refused():
    matrix = NativeMatrix(find_exact(weights(Kind.Q4_1, 16, 64)))
    for x in (torch.randn(2, 32), torch.randn(64), torch.randn(2, 64).double()):
        with pytest.raises(ValueError, match=r"expected fp32 activations \(rows, 64\) on the CPU, got"):
            matrix(x)
    with pytest.raises(ValueError, match="expected an instruction set of this machine"):
        matrix(torch.randn(2, 64), instruction_set="SSE9")


@native
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_products_after_a_fork_and_of_two_callers_at_once():
    """The child has none of its parent's threads, and callers take turns with the one team there is."""
    code = (
        "import os, threading, torch; torch.set_num_threads(3)\n"
        "from offbook.kernels.packed_linear import NativeMatrix, find_exact\n"
        "weight, x = torch.randn(640, 64), torch.randn(5, 64)\n"
        "matrix = NativeMatrix(find_exact(weight)); expected = matrix(x)\n"
        "same = lambda: all(torch.equal(matrix(x), expected) for _ in range(40))\n"
        "found = []\n"
        "callers = [threading.Thread(target=lambda: found.append(same())) for _ in range(3)]\n"
        "[caller.start() for caller in callers]; [caller.join() for caller in callers]\n"
        "assert found == [True] * 3\n"
        "child = os.fork()\n"
        "if child == 0: os._exit(0 if same() else 1)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0\n"
        "assert same()\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=os.environ, check=True, timeout=120)
