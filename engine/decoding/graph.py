"""What a GPU does in a round, written down once and done again by a single call of the host: a CUDA graph."""

from collections.abc import Callable, Sequence

import torch

WARM_UPS = 2  # rounds in which kernels are compiled and libraries choose theirs; a capture may do neither


class Graph:
    """A captured function without arguments; what it reads and writes stays where it is.

    Args:
        play: is called `calls` times; nothing in it may wait for the GPU.
        state: what `play` changes and has to be as it was when the graph is first replayed; at least one tensor.
    """

    calls = WARM_UPS + 1

    def __init__(self, play: Callable[[], None], state: Sequence[torch.Tensor]) -> None:
        before = [tensor.clone() for tensor in state]
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(state[0].device):
            here, aside = torch.cuda.current_stream(), torch.cuda.Stream()
            aside.wait_stream(here)
            with torch.cuda.stream(aside):
                for _ in range(WARM_UPS):
                    play()
                    for tensor, was in zip(state, before, strict=True):
                        tensor.copy_(was)
            here.wait_stream(aside)
            with torch.cuda.graph(self._graph):
                play()

    def replay(self) -> None:
        """What `play` does; the host does not wait for it."""
        self._graph.replay()
