"""What a GPU does in a round, written down once and done again by a single call of the host: a CUDA graph."""

from collections.abc import Callable, Sequence

import torch

WARM_UPS = 2  # calls in which kernels are compiled and libraries choose theirs; a capture may do neither


class Repeated:
    """A function without arguments that a CPU calls, and a GPU captures once and repeats.

    What it reads and writes stays where it is, and nothing in it may wait for the GPU.

    Args:
        play: the function.
        count_unseen: is told how many more passes over the target's weights there were than calls of `play`.
    """

    def __init__(self, play: Callable[[], None], count_unseen: Callable[[int], None]) -> None:
        self._play, self._count_unseen = play, count_unseen
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
        """
        if not state[0].is_cuda:
            self._play()
            return
        if self._graph is None or not all(one is other for one, other in zip(state, self._state, strict=True)):
            self._graph, self._state = self._capture(state), [*state]
            self._count_unseen(-WARM_UPS - 1)  # these were for nobody
        self._graph.replay()
        self._count_unseen(1)

    def _capture(self, state: Sequence[torch.Tensor]) -> torch.cuda.CUDAGraph:
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
            with torch.cuda.graph(graph):
                self._play()
        return graph
