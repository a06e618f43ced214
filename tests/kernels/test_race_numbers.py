"""The numbers of a race to their last bit: a kernel's and the host's, against the published generator in Python.

One that differs in a bit moves a draw where two tokens race closely, and the device says another text than the host.
"""

from fractions import Fraction

import numpy as np
import pytest
import torch

from offbook.kernels.verify_tree import race

triton = pytest.importorskip("triton", reason="Triton is not installed here")
tl = pytest.importorskip("triton.language")
_uniform = pytest.importorskip("offbook.kernels.verify_tree.triton")._uniform

SEEDS = [0, 1, 2**31, 2**32 + 5, 1_234_567, 0x5DEECE66D, 2**62 + 12_345, 2**63 - 2, 2**63 - 1]
TOKENS = [-70, -3, -2, -1, 0, 1, 5, 49_151, 151_935, 2**31 - 1, 2**31 + 7]  # below -1: candidates that were drawn


@triton.jit
def _numbers(seed_ptr, token_ptr, out_ptr, N, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    seed = tl.load(seed_ptr + i, mask=i < N, other=0).to(tl.uint64)
    token = tl.load(token_ptr + i, mask=i < N, other=0)
    tl.store(out_ptr + i, _uniform(seed, token), mask=i < N)


def split_mix(seed: int, step: int) -> int:
    """The output of that step, counted from 1, of SplitMix64 (Steele, Lea and Flood 2014) with this seed."""
    mixed = (seed + step * 0x9E3779B97F4A7C15) % 2**64
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
    return mixed ^ mixed >> 31


def number(seed: int, token: int) -> float:
    """The middle of one of 2^52 equal parts of the interval from 0 to 1."""
    return float(Fraction(2 * (split_mix(seed, token + 2) // 2**12) + 1, 2**53))


def test_the_generator_is_the_published_one():
    """The five numbers that Rosetta Code's task "Pseudo-random numbers/Splitmix64" asks for."""
    assert [split_mix(1_234_567, step) for step in range(1, 6)] == [
        6_457_827_717_110_365_317,
        3_203_168_211_198_807_973,
        9_817_491_932_198_370_423,
        4_593_380_528_125_082_431,
        16_408_922_859_458_223_821,
    ]


def test_the_host_has_its_numbers_bit_by_bit():
    found = race.uniform(np.array(SEEDS, dtype=np.uint64), np.array(TOKENS))
    assert found.tolist() == [[number(seed, token) for token in TOKENS] for seed in SEEDS]


def test_a_kernel_has_them_bit_by_bit(kernel_device):
    seeds = torch.tensor(SEEDS, device=kernel_device).repeat_interleave(len(TOKENS))
    tokens = torch.tensor(TOKENS, device=kernel_device).repeat(len(SEEDS))
    out = torch.empty(len(seeds), dtype=torch.float64, device=kernel_device)
    _numbers[(1,)](seeds, tokens, out, len(seeds), BLOCK=triton.next_power_of_2(len(seeds)))
    expected = [number(seed, token) for seed, token in zip(seeds.tolist(), tokens.tolist(), strict=True)]
    assert out.tolist() == expected
    assert 0 < min(expected) < max(expected) < 1
