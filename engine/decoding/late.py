"""What rounds told, read by the host while the device is at the next one."""

from collections.abc import Callable, Iterator
from typing import Protocol

import torch

UNDER_WAY = 2  # rounds at most: the one that is read and the one that is played meanwhile


class Rounds(Protocol):
    """Rounds that do not wait for what became of them."""

    @property
    def most(self) -> int:
        """Tokens that a round commits, at most."""
        ...

    def play(self) -> torch.Tensor:
        """Plays a round, which the device may still be at; what it tells, written over by the next."""
        ...


def told_late(rounds: Rounds, room: Callable[[], int]) -> Iterator[torch.Tensor]:
    """What each round told, in order, for the host; the next is played before it is waited for.

    Rounds are played as long as all that they may commit surely fits, also behind the one under way. So all of them
    have been given when this ends; who leaves earlier may leave one behind.

    Args:
        rounds: are played.
        room: how many tokens may follow those that have been given.
    """
    reads: _Reads | None = None
    waiting = 0
    while True:
        while waiting < UNDER_WAY and room() >= (waiting + 1) * rounds.most:
            told = rounds.play()
            reads = reads or _Reads(told)
            reads.send(told)
            waiting += 1
        if reads is None or not waiting:
            return
        waiting -= 1
        yield reads.receive()


class _Reads:
    """Copies of a tensor on their way to the host, the oldest first."""

    def __init__(self, like: torch.Tensor) -> None:
        pinned = like.is_cuda  # or the copy would wait
        self._buffers = [torch.empty(like.shape, dtype=like.dtype, pin_memory=pinned) for _ in range(UNDER_WAY)]
        self._arrived = [torch.cuda.Event() for _ in range(UNDER_WAY)] if pinned else None
        self._sent = self._received = 0

    def send(self, told: torch.Tensor) -> None:
        """The host goes on at once."""
        place = self._sent % UNDER_WAY
        self._buffers[place].copy_(told, non_blocking=True)
        if self._arrived is not None:
            self._arrived[place].record(torch.cuda.current_stream(told.device))
        self._sent += 1

    def receive(self) -> torch.Tensor:
        """The oldest, as soon as it is there; good until two more are sent."""
        place = self._received % UNDER_WAY
        if self._arrived is not None:
            self._arrived[place].synchronize()
        self._received += 1
        return self._buffers[place]
