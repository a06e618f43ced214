"""The three-way comparison itself, and when operations choose kernels in tests."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from offbook.kernels.implementation import triton_runs
from tests.kernels.three_ways import error, floor, no_worse

SOURCE = Path(__file__).parents[2] / "src"
TRUTH = torch.tensor([1.0, 2.0, 2.0], dtype=torch.float64)


def off(by: float, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return (TRUTH + torch.tensor([3 * by, 0, 0], dtype=torch.float64)).to(dtype)


def test_a_kernel_may_err_one_and_a_half_times_as_much_as_torch():
    no_worse(off(0.14), off(0.1), TRUTH)
    with pytest.raises(AssertionError, match=r"off by 0.16 of fp64, where 0.15 is allowed"):
        no_worse(off(0.16), off(0.1), TRUTH)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_it_may_round_where_torch_was_lucky(dtype):
    exact = TRUTH.to(dtype)
    no_worse(off(0.9 * floor(dtype)).to(torch.float32).to(dtype), exact, TRUTH)
    with pytest.raises(AssertionError, match="off by"):
        no_worse(off(8 * floor(dtype)).to(dtype), exact, TRUTH)


def test_what_is_not_finite_is_so_in_the_same_places():
    truth = torch.tensor([-math.inf, math.nan, 1.0], dtype=torch.float64)
    assert error(truth.float(), truth) == 0
    for wrong in ([0.0, math.nan, 1.0], [math.inf, math.nan, 1.0], [-math.inf, -math.inf, 1.0], [-math.inf, 0.0, 1.0]):
        assert error(torch.tensor(wrong), truth) == math.inf


def test_another_shape_is_wrong():
    with pytest.raises(AssertionError, match=r"expected \(3,\), got \(1, 3\)"):
        no_worse(off(0)[None], off(0), TRUTH)


def test_operations_choose_their_kernels_where_a_test_asks_for_it(kernel_device):
    assert triton_runs(torch.zeros(1, device=kernel_device))
    assert torch.empty(3, device=kernel_device).isnan().all()


def test_elsewhere_they_are_references_in_the_processes_of_tests_too():
    assert not triton_runs(torch.zeros(1))
    code = "import torch; from offbook.kernels.implementation import triton_runs as runs; print(runs(torch.zeros(1)))"
    environ = os.environ | {"PYTHONPATH": str(SOURCE)}
    answer = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
