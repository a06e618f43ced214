"""What an operation says about itself to those who compile and time it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """One launch, or a few, to be compiled and not run; `offbook.kernels.<op>.compiled.cases()` gives an operation's.

    Attributes:
        op: folder of the operation.
        shape: the model whose sizes these are, and what varies beside.
        dtype: of the tensors, as in `torch.bfloat16`, without the package.
        launch: calls the launchers of `triton.py` on CPU tensors. Their outputs are garbage; no torch product may run.
        tensor_cores: kernels, by name, that have to use them (HGMMA or HMMA).
        quick: whether it is the one of its operation that continuous integration compiles.
    """

    op: str
    shape: str
    dtype: str
    launch: Callable[[], None]
    tensor_cores: tuple[str, ...] = ()
    quick: bool = False


@dataclass(frozen=True, kw_only=True)
class Timed:
    """One operation on one shape and what does the same; an operation's are `offbook.kernels.<op>.timed.cases(device)`.

    Attributes:
        op: folder of the operation.
        shape: the model whose sizes these are, and what varies beside.
        dtype: as in `Compiled`.
        inputs: makes fresh inputs from a seed; called several times, so that inputs can rotate.
        providers: by name, each a function of the inputs: "offbook" is the operation as it chooses by itself,
            "replaced" what was called before there was one, others are the field's strongest, without libraries that
            are missing.
        agree: raises AssertionError if a provider's output is not what "replaced" computes in fp64; None compares all
            floating outputs with it at the accuracy of the dtype.
        bytes: that have to be moved at least.
        flops: that have to be computed at least.
        graph: whether it can be captured in a CUDA graph.
        notes: further columns of its rows.
    """

    op: str
    shape: str
    dtype: str
    inputs: Callable[[int], Sequence[Any]]
    providers: dict[str, Callable[..., Any]]
    bytes: float
    flops: float
    agree: Callable[[Any, Sequence[Any]], None] | None = None
    graph: bool = True
    notes: dict[str, str] = field(default_factory=dict)
