"""Cache compaction on the device: every number format and head size, strides, and what stands in tensors alone."""

import random

import pytest
import torch

from offbook.engine.decoding.cache import TreeCache
from offbook.kernels.compact_cache import _compact_cache, compact_cache, reference

PATH = (0, 1, 4, 5, 9, 13, 14)


def cache(device, *sizes, dtype=torch.float32, seed=0):
    numbers = torch.randint(-99, 99, sizes, generator=torch.Generator().manual_seed(seed))
    return numbers.to(dtype).to(device)


def compacted(storage, start, path):
    expected = storage.clone()
    reference.compact_cache(expected, start, path)
    return expected


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.int8], ids=str)
@pytest.mark.parametrize("head_dim", [1, 7, 64, 80, 96])
def test_rows_of_every_format_and_head_size_move_as_the_reference_moves_them(kernel_device, dtype, head_dim):
    storage = cache(kernel_device, 4, 1, 3, 31, head_dim, dtype=dtype)
    path = torch.tensor(PATH, device=kernel_device)
    expected = compacted(storage, 11, path)
    compact_cache(storage, 11, path)
    assert torch.equal(storage, expected)


@pytest.mark.parametrize("seed", range(12))
def test_any_path_moves_as_far_as_it_stands_with_all_numbers_on_the_device(kernel_device, seed):
    drawn = random.Random(seed)
    start, path = drawn.randrange(6), sorted(drawn.sample(range(25), drawn.randint(1, 24)))
    count = drawn.randint(0, len(path))
    storage, rows = cache(kernel_device, 2, 1, 1, 31, 3), torch.tensor(path)
    expected = compacted(storage, start, rows[:count].to(kernel_device))
    undefined = torch.where(torch.arange(len(path)) < count, rows, -1).to(kernel_device)
    on_device = [torch.tensor(number, device=kernel_device) for number in (start, count)]
    compact_cache(storage, on_device[0], undefined, on_device[1])
    assert torch.equal(storage, expected)


@pytest.mark.parametrize(
    "view",
    [
        lambda storage: storage[..., ::2],
        lambda storage: storage[:, :, :, 2:-3],
        lambda storage: storage.transpose(1, 2),
        lambda storage: storage.transpose(-1, -2),
        lambda storage: storage[0, 0],
    ],
    ids=["every second column", "some rows", "heads before batch", "columns before rows", "one layer"],
)
def test_storage_may_lie_in_any_order_and_nothing_else_in_it_moves(kernel_device, view):
    whole = cache(kernel_device, 2, 3, 2, 22, 22)
    expected, path = whole.clone(), torch.tensor(PATH, device=kernel_device, dtype=torch.int32)
    reference.compact_cache(view(expected), 2, path)
    compact_cache(view(whole), 2, path)
    assert torch.equal(whole, expected)


def test_every_second_number_of_a_path_is_a_path(kernel_device):
    storage = cache(kernel_device, 2, 1, 1, 31, 8)
    path = torch.tensor(PATH, device=kernel_device)[::2]
    expected = compacted(storage, 3, path)
    compact_cache(storage, 3, path)
    assert torch.equal(storage, expected)


def test_a_path_of_nothing_moves_nothing(kernel_device):
    storage = cache(kernel_device, 2, 1, 1, 9, 8)
    expected = storage.clone()
    compact_cache(storage, 3, torch.tensor([], dtype=torch.long, device=kernel_device))
    assert torch.equal(storage, expected)


@torch.inference_mode()
def test_a_cache_keeps_the_rows_of_a_path_with_the_kernel(kernel_device):
    kept, rows = TreeCache(num_layers=2, capacity=20), cache(kernel_device, 1, 2, 17, 6)
    for layer in range(2):
        kept.update(rows + layer, -rows - layer, layer)
    path = torch.tensor(PATH, device=kernel_device)
    kept.commit_path(path)
    for layer in range(2):
        keys, values = kept.update(rows[:, :, :1], rows[:, :, :1], layer)
        assert torch.equal(keys[:, :, :-1], rows[:, :, path] + layer)
        assert torch.equal(values[:, :, :-1], -rows[:, :, path] - layer)


@pytest.mark.parametrize("implementation", ["reference", "triton"])
def test_the_registration_is_sound(kernel_device, implementation):
    storage, path = cache(kernel_device, 2, 1, 1, 22, 4), torch.tensor(PATH, device=kernel_device)
    number = torch.tensor(3, device=kernel_device)
    torch.library.opcheck(_compact_cache, (storage, 3, None, path, None, implementation))
    torch.library.opcheck(_compact_cache, (storage, 0, number, path, number, implementation))
