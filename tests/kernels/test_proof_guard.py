"""Kernels with a defect that the interpreter lets through, each caught by the guard, beside the same without it."""

import pytest
import torch

from offbook.kernels.implementation import interpreted

triton = pytest.importorskip("triton", reason="Triton is not installed here")
if not interpreted():
    pytest.skip("the guard watches interpreted kernels, and here they run on the GPU", allow_module_level=True)
tl = pytest.importorskip("triton.language")

from offbook.kernels.proof.guard import GuardError, guard  # noqa: E402 - Triton may be missing

ORDERS = ("forward", "reverse", "shuffle")


@triton.jit
def doubled(x_ptr, y_ptr, N, MASKED: tl.constexpr, B: tl.constexpr):
    at = tl.program_id(0) * B + tl.arange(0, B)
    if MASKED:
        tl.store(y_ptr + at, 2 * tl.load(x_ptr + at, mask=at < N), mask=at < N)
    else:
        tl.store(y_ptr + at, 2 * tl.load(x_ptr + at), mask=at < N)


@triton.jit
def stored_past_the_end(y_ptr, N, B: tl.constexpr):
    at = tl.arange(0, B)
    tl.store(y_ptr + at, at.to(tl.float32), mask=at <= N)


@triton.jit
def summed(x_ptr, y_ptr, ATOMIC: tl.constexpr, B: tl.constexpr):
    total = tl.sum(tl.load(x_ptr + tl.program_id(0) * B + tl.arange(0, B)), 0)
    if ATOMIC:
        tl.atomic_add(y_ptr, total)
    else:
        before = tl.load(y_ptr)
        tl.debug_barrier()
        tl.store(y_ptr, before + total)


@triton.jit
def shifted(x_ptr, B: tl.constexpr):
    at = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(x_ptr + at, tl.load(x_ptr + B + at))


@triton.jit
def reversed_through_memory(x_ptr, y_ptr, BARRIER: tl.constexpr, B: tl.constexpr):
    at = tl.arange(0, B)
    tl.store(y_ptr + at, tl.load(x_ptr + at))
    if BARRIER:
        tl.debug_barrier()
    there = tl.load(y_ptr + B - 1 - at)
    tl.debug_barrier()
    tl.store(x_ptr + at, there)


@triton.jit
def moved_down(x_ptr, BY: tl.constexpr, BARRIER: tl.constexpr, B: tl.constexpr):
    at = tl.arange(0, B)
    rows = tl.load(x_ptr + BY + at)
    if BARRIER:
        tl.debug_barrier()
    tl.store(x_ptr + at, rows)


@triton.jit
def counted(n_ptr, BARRIER: tl.constexpr):
    n = tl.load(n_ptr)
    if BARRIER:
        tl.debug_barrier()
    tl.store(n_ptr, n + 1)


@triton.jit
def halved_in_place(x_ptr, N, B: tl.constexpr):
    at = tl.program_id(0) * B + tl.arange(0, B)
    tl.store(x_ptr + at, tl.load(x_ptr + at, mask=at < N) / 2, mask=at < N)


@triton.jit
def scattered(x_ptr, y_ptr, BY: tl.constexpr, B: tl.constexpr):
    at = tl.arange(0, B)
    tl.store(y_ptr + at // BY, tl.load(x_ptr + at))


@triton.jit
def added(y_ptr, AT: tl.constexpr):
    tl.atomic_add(y_ptr + AT, 1.0)


@triton.jit
def swapped(y_ptr, AT: tl.constexpr):
    tl.atomic_cas(y_ptr + AT, 0, 1)


@pytest.mark.parametrize("order", ORDERS)
def test_a_masked_tail_passes_and_an_unmasked_one_is_out_of_bounds(order):
    x, y = torch.arange(37.0), torch.zeros(37)
    with guard(order):
        doubled[(3,)](x, y, 37, MASKED=True, B=16)
        assert torch.equal(y, 2 * x)
        with pytest.raises(GuardError, match=r"kernel doubled: load out of bounds in program \(2, 0, 0\): 11 lanes"):
            doubled[(3,)](x, y, 37, MASKED=False, B=16)


def test_a_mask_that_is_off_by_one_stores_past_the_end():
    with (
        guard(),
        pytest.raises(GuardError, match=r"store out of bounds .* 1 lanes, the first at byte 20 of"),
    ):
        stored_past_the_end[(1,)](torch.zeros(5), 5, B=8)


@pytest.mark.parametrize("order", ORDERS)
def test_a_sum_across_programs_is_a_race_unless_it_is_atomic(order):
    x, y = torch.ones(64), torch.zeros(1)
    with guard(order):
        summed[(4,)](x, y, ATOMIC=True, B=16)
        assert y.item() == 64
        with pytest.raises(GuardError, match=r"race: .* another program stores"):
            summed[(4,)](x, y, ATOMIC=False, B=16)


def test_a_shift_in_place_is_right_in_one_order_of_programs_and_a_race_in_every():
    x = torch.arange(64.0)
    shifted[(3,)](x, B=16)
    assert torch.equal(x[:48], torch.arange(16.0, 64.0))
    for order in ORDERS:
        with guard(order), pytest.raises(GuardError, match="race"):
            shifted[(3,)](torch.arange(64.0), B=16)


def test_what_another_thread_stored_is_loaded_after_a_barrier():
    x, y = torch.arange(16.0), torch.zeros(16)
    with guard():
        reversed_through_memory[(1,)](x, y, BARRIER=True, B=16)
        assert torch.equal(x, torch.arange(15.0, -1.0, -1.0))
        with pytest.raises(GuardError, match="loads what it stored, with no barrier since"):
            reversed_through_memory[(1,)](x, y, BARRIER=False, B=16)


def test_what_another_lane_loads_is_overwritten_after_a_barrier():
    x, n = torch.arange(20.0), torch.zeros(1, dtype=torch.int32)
    with guard():
        moved_down[(1,)](x, BY=4, BARRIER=True, B=16)
        assert torch.equal(x[:16], torch.arange(4.0, 20.0))
        counted[(1,)](n, BARRIER=True)
        assert n.item() == 1
        with pytest.raises(GuardError, match="stores to what another of its lanes loads, with no barrier since"):
            moved_down[(1,)](x, BY=4, BARRIER=False, B=16)
        with pytest.raises(GuardError, match="stores to what another of its lanes loads"):
            counted[(1,)](n, BARRIER=False)  # every lane loads a scalar


def test_a_lane_may_overwrite_what_it_loaded_itself():
    x = torch.arange(37.0)
    with guard("shuffle"):
        halved_in_place[(3,)](x, 37, B=16)
    assert torch.equal(x, torch.arange(37.0) / 2)


def test_two_lanes_may_not_store_to_one_address():
    x, y = torch.arange(16.0), torch.zeros(16)
    with guard():
        scattered[(1,)](x, y, BY=1, B=16)
        with pytest.raises(GuardError, match=r"two lanes of program \(0, 0, 0\) store to one address"):
            scattered[(1,)](x, y, BY=2, B=16)


def test_atomics_are_held_to_their_bounds():
    with guard():
        added[(2,)](torch.zeros(4), AT=3)
        swapped[(2,)](torch.zeros(4, dtype=torch.int32), AT=3)
        with pytest.raises(GuardError, match="atomic out of bounds"):
            added[(2,)](torch.zeros(4), AT=4)
        with pytest.raises(GuardError, match="atomic out of bounds"):
            swapped[(2,)](torch.zeros(4, dtype=torch.int32), AT=4)


@pytest.mark.parametrize("order", ORDERS)
def test_every_program_runs_once_whatever_the_order(order):
    y = torch.zeros(2 * 3 * 2)
    with guard(order, seed=3):
        numbered[(2, 3, 2)](y)
    assert torch.equal(y, torch.arange(12.0))


@triton.jit
def numbered(y_ptr):
    number = (tl.program_id(0) * 3 + tl.program_id(1)) * 2 + tl.program_id(2)
    tl.store(y_ptr + number, number.to(tl.float32))


def test_a_view_may_be_used_to_the_end_of_its_storage_and_nothing_is_left_changed():
    from triton.runtime import interpreter

    before = {name: getattr(interpreter.InterpreterBuilder, name) for name in dir(interpreter.InterpreterBuilder)}
    storage = torch.arange(40.0)
    with guard():
        halved_in_place[(1,)](storage[8:24], 16, B=16)
    assert torch.equal(storage[8:24], torch.arange(8.0, 24.0) / 2)
    assert {name: getattr(interpreter.InterpreterBuilder, name) for name in before} == before
