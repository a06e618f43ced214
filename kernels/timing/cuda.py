"""A function on a GPU: seconds a call, as Python calls it and in a CUDA graph, on inputs that no cache holds."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

MOST_SETS = 64
SAMPLES = (7, 50)
BUDGET_S = 0.2  # of one measurement, beside its warm-up


def rotating(make: Callable[[int], Sequence[Any]]) -> list[Sequence[Any]]:
    """As many fresh inputs as fill the L2 cache twice: 64 at most, and a quarter of the memory."""
    sets = [make(0)]
    properties = torch.cuda.get_device_properties(0)
    size = max(1, sum(tensor.untyped_storage().nbytes() for tensor in tensors(sets[0])))
    wanted = min(MOST_SETS, -(-2 * properties.L2_cache_size // size), max(1, properties.total_memory // 4 // size))
    sets += [make(seed) for seed in range(1, wanted)]
    return sets


def tensors(values: Any) -> Iterator[torch.Tensor]:
    """Every tensor among inputs or outputs, in sequences and mappings too."""
    if isinstance(values, torch.Tensor):
        yield values
    elif isinstance(values, Mapping):
        yield from tensors(list(values.values()))
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from tensors(value)


def eager(function: Callable[..., Any], sets: Sequence[Sequence[Any]]) -> list[float]:
    """Seconds a call, a sample a sweep over the inputs, the host's part included."""

    def sweep() -> None:
        for inputs in sets:
            function(*inputs)

    return [seconds / len(sets) for seconds in _samples(sweep)]


def in_a_graph(function: Callable[..., Any], sets: Sequence[Sequence[Any]]) -> list[float]:
    """Seconds a call where a CUDA graph of a sweep over the inputs is replayed: the GPU's part alone."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):  # what is made at first use must not be made during the capture
        for _ in range(3):
            function(*sets[0])
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for inputs in sets:
            function(*inputs)
    return [seconds / len(sets) for seconds in _samples(graph.replay)]


def peak_bytes(function: Callable[..., Any], inputs: Sequence[Any]) -> int:
    """Memory that a call takes beyond its inputs, its outputs included."""
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    function(*inputs)
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


def copy_ceiling(size: int = 2**31) -> tuple[list[float], float]:
    """Seconds of a copy inside the GPU's memory, and the bytes it reads and writes."""
    source = torch.empty(size, dtype=torch.uint8, device="cuda").fill_(1)
    target = torch.empty_like(source)
    return _samples(lambda: target.copy_(source)), 2.0 * size


def product_ceiling(dtype: torch.dtype, size: int = 8192) -> tuple[list[float], float]:
    """Seconds of a product of square matrices of random numbers, and its FLOPs."""
    a, b = (torch.randn(size, size, device="cuda").to(dtype) for _ in range(2))
    return _samples(lambda: torch.mm(a, b)), 2.0 * size**3


def quantiles(samples: Sequence[float]) -> tuple[float, float, float]:
    """The median, and that of which 20 % and 80 % are below."""
    if len(samples) == 1:
        return samples[0], samples[0], samples[0]
    tenths = statistics.quantiles(samples, n=10, method="inclusive")
    return statistics.median(samples), tenths[1], tenths[7]


def _samples(run: Callable[[], object]) -> list[float]:
    """Seconds of a run by the GPU's own clock, after a warm-up."""
    for _ in range(2):
        run()
    torch.cuda.synchronize()
    count = max(SAMPLES[0], min(SAMPLES[1], int(BUDGET_S / max(_seconds(run), 1e-6))))
    return [_seconds(run) for _ in range(count)]


def _seconds(run: Callable[[], object]) -> float:
    began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    began.record()
    run()
    ended.record()
    ended.synchronize()
    return float(began.elapsed_time(ended)) / 1e3
