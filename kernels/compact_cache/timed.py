"""compact_cache beside what moved rows before, and beside the loop over layers that others have."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch

from offbook.kernels.compact_cache import compact_cache
from offbook.kernels.compact_cache.compiled import MODELS
from offbook.kernels.proof.case import Timed

START = 512
CAPACITY = 640
PATH = (0, 9, 17, 23, 31, 44, 58)  # to the last level of a tree of 60 nodes; none is another's destination
CODES = 127  # a row's number, exact in every format


def cases(device: str) -> Iterator[Timed]:
    """The longest usual path of real models; on a device with `start` and `count` on it."""
    for model in list(MODELS)[:3]:
        for dtype in (torch.float32,) if device == "cpu" else (torch.bfloat16,):
            layers, heads, head_dim = MODELS[model]
            moved = 2 * layers * heads * (len(PATH) - 1) * head_dim * dtype.itemsize  # the root stays
            yield Timed(
                op="compact_cache",
                shape=f"{model}, {layers} layers, {heads} heads of {head_dim}, path of {len(PATH)}",
                dtype=str(dtype).removeprefix("torch."),
                inputs=partial(_inputs, device, MODELS[model], dtype),
                providers={"offbook": _offbook, "replaced": _replaced, "layer by layer": _layer_by_layer},
                bytes=2 * moved,
                flops=0,
                agree=_agree,
            )


def _inputs(device: str, sizes: tuple[int, int, int], dtype: torch.dtype, seed: int) -> Sequence[Any]:
    """A cache of which each row says its number, the path and, where they are to lie, its start and length."""
    layers, heads, head_dim = sizes
    rows = torch.arange(CAPACITY, device=device) % CODES
    storage = rows.to(dtype)[:, None].expand(2 * layers, 1, heads, CAPACITY, head_dim).contiguous()
    path = torch.tensor(PATH, device=device)
    if device == "cpu":
        return storage, path, START, None
    return storage, path, torch.tensor(START, device=device), torch.tensor(len(PATH), device=device)


def _offbook(
    storage: torch.Tensor, path: torch.Tensor, start: int | torch.Tensor, count: torch.Tensor | None
) -> torch.Tensor:
    compact_cache(storage, start, path, count)
    return storage


def _replaced(storage: torch.Tensor, path: torch.Tensor, *_: Any) -> torch.Tensor:
    storage[..., START : START + path.shape[0], :] = storage.index_select(-2, START + path)
    return storage


def _layer_by_layer(storage: torch.Tensor, path: torch.Tensor, *_: Any) -> torch.Tensor:
    rows = START + path
    for slab in storage:
        slab[..., START : START + path.shape[0], :] = slab.index_select(-2, rows)
    return storage


def _agree(output: torch.Tensor, inputs: Sequence[Any]) -> None:
    expected = (START + torch.tensor(PATH)) % CODES
    found = output[..., START : START + len(PATH), :].cpu().float()
    assert torch.equal(found, expected[:, None].expand_as(found).float()), "rows that are not those of the path"
