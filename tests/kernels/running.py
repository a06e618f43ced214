"""How kernels run in tests: chosen by the operations themselves, on memory full of NaN, and interpreted under guard."""

import contextlib
import os
from collections.abc import Iterator

import pytest
import torch


@contextlib.contextmanager
def interpreted_under_guard(order: str) -> Iterator[None]:
    """Kernels on the CPU, right in bf16, with programs in that order; what they do wrong to memory is an error."""
    pytest.importorskip("triton", reason="Triton is not installed here")
    from offbook.kernels.proof.guard import guard
    from offbook.kernels.proof.interpreter import repair

    repair()
    with kernels_chosen(), guard(order=order):
        yield


@contextlib.contextmanager
def kernels_chosen() -> Iterator[None]:
    """Operations choose their kernels, and `torch.empty` gives NaN, or the largest integer."""
    named, deterministic = os.environ.pop("OFFBOOK_KERNELS"), torch.are_deterministic_algorithms_enabled()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # or cuBLAS is not deterministic, of which torch warns
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(deterministic)
        os.environ["OFFBOOK_KERNELS"] = named
