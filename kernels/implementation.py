"""Which implementation of an operation runs: by where its tensors are, or the one that is named.

A CUDA tensor is for Triton; so is one of the CPU where TRITON_INTERPRET=1 makes Triton interpret its kernels, which is
slow and for tests. Any other is for the plain reference, or for native code where an operation has some. The
environment variable OFFBOOK_KERNELS names one for calls that name none and could go either way. Nothing heavy is
imported here.
"""

import functools
import importlib.util
import os
from typing import Literal, get_args

import torch

Implementation = Literal["auto", "reference", "triton"]
KNOWN = get_args(Implementation)


def triton_runs(tensor: torch.Tensor, implementation: str = "auto") -> bool:
    """Whether Triton is to compute what hangs on this tensor; otherwise the reference is.

    Raises:
        ValueError: there is no implementation of that name, or none here.
    """
    if implementation == "auto" and not (tensor.is_cuda or interpreted()):
        return False  # nearly every call on a CPU, of which a round of decoding has many
    name = os.environ.get("OFFBOOK_KERNELS", "auto") if implementation == "auto" else implementation
    if name not in KNOWN:
        known = ", ".join(KNOWN)
        msg = f"expected an implementation among {known}, got {name}; choose one of these, also in OFFBOOK_KERNELS"
        raise ValueError(msg)
    if name == "reference":
        return False
    if name == "triton" and not triton_installed():
        msg = "expected the package triton for implementation triton, got none; install triton or choose reference"
        raise ValueError(msg)
    return name == "triton" or (triton_installed() and (tensor.is_cuda or interpreted()))


@functools.cache
def interpreted() -> bool:
    """Whether Triton runs its kernels in Python, on the CPU; decided before triton is first imported."""
    return os.environ.get("TRITON_INTERPRET") == "1"


@functools.cache
def triton_installed() -> bool:
    """Whether there is a Triton to import; it is not imported for it."""
    return importlib.util.find_spec("triton") is not None
