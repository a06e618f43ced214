"""An accelerator of one training, with its own precision; accelerate itself fixes the first one for the process."""

import contextlib
from collections.abc import Iterator

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState


@contextlib.contextmanager
def accelerator_for(device: torch.device, mixed_precision: str) -> Iterator[Accelerator]:
    """An accelerator on the CPU or on this process's GPU, whatever precision a training before it had.

    Trainings of different precision follow each other in one process; without the reset the second is refused, or
    silently runs in the first one's precision. Processes of a launch stay connected.
    """
    AcceleratorState._reset_state()
    try:
        yield Accelerator(cpu=device.type == "cpu", mixed_precision=mixed_precision)
    finally:
        AcceleratorState._reset_state()
