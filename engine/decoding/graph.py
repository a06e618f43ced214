"""What a GPU does in a round, written down once and done again by a single call of the host: a CUDA graph."""

import gc
from collections.abc import Callable, Sequence
from functools import cached_property
from operator import is_
from typing import Any

import torch

WARM_UPS = 2  # calls in which kernels are compiled and libraries choose theirs; a capture may do neither


class Memory:
    """What graphs need in between, shared by those of one decoder: only one of them is played at a time.

    What one of them gives is read before another is played, which may write over it.
    """

    @cached_property
    def pool(self) -> Any:
        """As torch names it; asked for where there is a GPU."""
        return torch.cuda.graph_pool_handle()


class Repeated:
    """A function without arguments that a CPU calls, and a GPU captures once and repeats.

    What it reads and writes stays where it is, and nothing in it may wait for the GPU.

    Args:
        play: the function.
        count_unseen: is told how many more passes over the target's weights there were than calls of `play`.
        memory: what its graph needs in between.
    """

    def __init__(self, play: Callable[[], None], count_unseen: Callable[[int], None], memory: Memory) -> None:
        self._play, self._count_unseen, self._memory = play, count_unseen, memory
        self._graph: torch.cuda.CUDAGraph | None = None
        self._state: list[torch.Tensor] = []

    @property
    def captured(self) -> bool:
        """Whether a GPU has."""
        return self._graph is not None

    def __call__(self, state: Sequence[torch.Tensor]) -> None:
        """Do it.

        Args:
            state: what the function changes and finds again the next time, on one device, at least one tensor; once
                others are given, it is captured anew.

        Raises:
            ValueError: it cannot be captured, as where something in it waits for the GPU.
        """
        if not state[0].is_cuda:
            self._play()
            return
        if not self._knows(state):
            self._graph, self._state = self._capture(state), [*state]
            self._count_unseen(-WARM_UPS - 1)  # these were for nobody
        assert self._graph is not None
        self._graph.replay()
        self._count_unseen(1)

    def _knows(self, state: Sequence[torch.Tensor]) -> bool:
        """Whether it was captured with these very tensors."""
        known = self._state
        return self.captured and len(state) == len(known) and all(map(is_, state, known))

    def _capture(self, state: Sequence[torch.Tensor]) -> torch.cuda.CUDAGraph:
        gc.collect()  # a graph that nobody has any more would else be given back in the middle, which breaks a capture
        before, graph = [tensor.clone() for tensor in state], torch.cuda.CUDAGraph()
        with torch.cuda.device(state[0].device):
            here, aside = torch.cuda.current_stream(), torch.cuda.Stream()
            aside.wait_stream(here)
            with torch.cuda.stream(aside):
                for _ in range(WARM_UPS):
                    self._play()
                    for tensor, was in zip(state, before, strict=True):
                        tensor.copy_(was)
            here.wait_stream(aside)
            try:
                with torch.cuda.graph(graph, pool=self._memory.pool):
                    self._play()
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
                msg = (
                    f"expected rounds that a GPU can capture, got {reason}; set OFFBOOK_KERNELS=reference, with which "
                    "they are asked for kernel by kernel"
                )
                raise ValueError(msg) from error
        return graph
