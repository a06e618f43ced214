"""Moves the accepted rows of a key/value cache together."""

import torch

from offbook.kernels.compact_cache import reference
from offbook.kernels.implementation import triton_runs

__all__ = ["compact_cache"]


def compact_cache(
    storage_NBGSD: torch.Tensor,
    start: int | torch.Tensor,
    path: torch.Tensor,
    count: torch.Tensor | None = None,
    *,
    implementation: str = "auto",
) -> None:
    """Copies cache rows `start + path` to `start, start + 1, ...`, in place; see the reference for arguments.

    With Triton nothing is read back: `start` and `count` may come from kernels that are still to run.

    Raises:
        ValueError: an implementation that is not to be had.
    """
    if not triton_runs(storage_NBGSD, implementation):
        reference.compact_cache(storage_NBGSD, start, path, count)
    elif isinstance(start, int):
        _compact_cache(storage_NBGSD, start, None, path, count, "triton")
    else:
        _compact_cache(storage_NBGSD, 0, start, path, count, "triton")


@torch.library.custom_op("offbook::compact_cache", mutates_args={"storage_NBGSD"})
def _compact_cache(
    storage_NBGSD: torch.Tensor,
    start: int,
    start_on_device: torch.Tensor | None,
    path: torch.Tensor,
    count: torch.Tensor | None,
    implementation: str = "auto",
) -> None:
    if triton_runs(storage_NBGSD, implementation):
        from offbook.kernels.compact_cache import triton as kernels

        kernels.compact_cache(storage_NBGSD, start, start_on_device, path, count)
    else:
        first = start if start_on_device is None else start + start_on_device
        reference.compact_cache(storage_NBGSD, first, path, count)


@_compact_cache.register_fake
def _nothing_new(
    storage_NBGSD: torch.Tensor,
    start: int,
    start_on_device: torch.Tensor | None,
    path: torch.Tensor,
    count: torch.Tensor | None,
    implementation: str = "auto",
) -> None:
    return None
