"""A cache that the device counts holds what the host's holds: the same rows in the same places."""

import pytest
import torch

from offbook.engine.decoding.cache import TreeCache

LAYERS, HEADS, CAPACITY, WIDTH = 2, 3, 20, 4


def write(cache: TreeCache, rows: int, number: int) -> list[torch.Tensor]:
    """A forward's keys of every layer; gives what attention is to see of the last."""
    generator, seen = torch.Generator().manual_seed(number), []
    for layer in range(LAYERS):
        keys, values = torch.randn(2, 1, HEADS, rows, WIDTH, generator=generator)
        seen = [*cache.update(keys, values, layer)]
    return seen


@pytest.mark.parametrize("path", [[0], [0, 1, 2], [0, 2, 4], [0, 1, 4, 5]])
def test_rounds_leave_the_same_rows(path):
    host, device = (TreeCache(num_layers=LAYERS, capacity=CAPACITY) for _ in range(2))
    for cache in (host, device):
        write(cache, 5, 0)
        cache.commit(5)
    front = torch.tensor(5)
    device.count_on_device(front)
    for number, stands in ((1, len(path)), (2, 1)):
        (keys, values), (all_keys, all_values) = write(host, 6, number), write(device, 6, number)
        assert all_keys.shape[2] == CAPACITY
        rows = keys.shape[2]
        assert torch.equal(keys, all_keys[:, :, :rows])
        assert torch.equal(values, all_values[:, :, :rows])
        host.commit_path(torch.tensor(path[:stands]))
        device.commit_path(torch.tensor(path), torch.tensor(stands))
        assert int(device.front) == host.front == host.length
    assert int(front) == 5, "it is a new tensor that counts on"
    device.count_on_host(int(device.front))
    (keys, values), (as_counted, values_as_counted) = write(host, 2, 3), write(device, 2, 3)
    assert torch.equal(keys, as_counted)
    assert torch.equal(values, values_as_counted)


def test_rows_are_committed_and_forgotten_by_either():
    cache = TreeCache(num_layers=LAYERS, capacity=CAPACITY)
    write(cache, 4, 0)
    cache.commit(4)
    cache.count_on_device(torch.tensor(4))
    base = cache.front
    write(cache, 3, 1)
    cache.commit(3)
    assert int(cache.front) == 7
    cache.commit(torch.tensor(2))
    assert int(cache.front) == 9
    cache.cut_back(base)
    assert int(cache.front) == 4
    cache.count_on_host(4)
    cache.cut_back(1)
    assert cache.front == cache.length == 1
