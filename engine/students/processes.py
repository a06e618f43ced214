"""One training over the processes of a launch: questions are shared out, what came of them is brought together.

    accelerate launch --num_processes 8 ...        one process a GPU, on a file system they share

Every process holds the same weights. Gradients are summed once a step, behind the last backward pass: a step's share
may leave a process without a question, and objectives call the student without gradient or several times a question;
`DistributedDataParallel`, which counts forward and backward passes, allows neither. One process is the case of one.
"""

import contextlib
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TypeVar

import torch
from accelerate import Accelerator, DistributedType, InitProcessGroupKwargs
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast_object_list, gather_object
from torch import nn

PATIENCE = timedelta(hours=6)  # others wait while the main process takes the development score
WHOLE_MODEL = (DistributedType.NO, DistributedType.MULTI_CPU, DistributedType.MULTI_GPU)

T = TypeVar("T")


@contextlib.contextmanager
def accelerator_for(student: nn.Module, mixed_precision: str) -> Iterator[Accelerator]:
    """An accelerator of one training, the student moved to its device.

    It has its own precision, whatever training came before: accelerate fixes the first one for the process, and a
    second is refused or silently runs in the first one's. Processes of a launch stay connected.

    Raises:
        ValueError: a launch that splits the model instead of the questions.
    """
    AcceleratorState._reset_state()
    try:
        accelerator = Accelerator(
            cpu=next(student.parameters()).device.type == "cpu",
            mixed_precision=mixed_precision,
            kwargs_handlers=[InitProcessGroupKwargs(timeout=PATIENCE)],
        )
        if accelerator.distributed_type not in WHOLE_MODEL:
            msg = (
                f"expected processes that each hold the whole model, got {accelerator.distributed_type}; "
                "launch without FSDP, DeepSpeed or the like, with --lora-rank if memory is short"
            )
            raise ValueError(msg)
        student.to(accelerator.device)
        yield accelerator
    finally:
        AcceleratorState._reset_state()


def share(accelerator: Accelerator, items: list[T]) -> list[tuple[int, T]]:
    """This process's part of the items, each with its place among all of them."""
    return list(enumerate(items))[accelerator.process_index :: accelerator.num_processes]


def bring_together(found: list[tuple[int, T]]) -> list[T]:
    """What all processes made of their shares, in the items' order, the same in every process."""
    return [item for _, item in sorted(gather_object(found), key=lambda pair: pair[0])]


def from_main(value: T) -> T:
    """The main process's value, in every process."""
    values: list[T] = broadcast_object_list([value])
    return values[0]


def sum_gradients(accelerator: Accelerator, parameters: Iterable[nn.Parameter]) -> None:
    """Sums gradients over processes; a parameter without one everywhere stays without, as in one process."""
    if accelerator.num_processes == 1:
        return
    parameters = list(parameters)
    held = torch.tensor([p.grad is not None for p in parameters], dtype=torch.float32, device=accelerator.device)
    for p, holders in zip(parameters, accelerator.reduce(held).tolist(), strict=True):
        if holders:
            p.grad = accelerator.reduce(torch.zeros_like(p) if p.grad is None else p.grad)
