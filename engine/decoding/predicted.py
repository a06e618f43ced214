"""What a pass of a feature-level network predicts, and how whole rounds keep it from one to the next.

Shapes: R rows; what is behind a row hangs on the network (`engine.decoding.readout`).
"""

from typing import NamedTuple

import torch

from offbook.engine.decoding.cache import TreeCache


class Predicted(NamedTuple):
    """One pass as its network predicts it: behind each row the next position and, if asked and known, the one after."""

    following_R: torch.Tensor
    later_R: torch.Tensor | None

    def of_row(self, row: torch.Tensor) -> "Predicted":
        """What is predicted behind one row, 0-d int64 and not read."""
        row_1 = row.reshape(1)
        later = None if self.later_R is None else self.later_R.index_select(0, row_1)
        return Predicted(self.following_R.index_select(0, row_1), later)

    def copied(self) -> "Predicted":
        """The same in memory of its own."""
        return Predicted(self.following_R.clone(), None if self.later_R is None else self.later_R.clone())


class KeptPrediction:
    """How many rows of a drafter's cache are committed and what is predicted behind the last, where a device counts.

    Its tensors stay where they are, for rounds that were captured.
    """

    def __init__(self, predicted: Predicted) -> None:
        self.predicted = predicted.copied()
        self.front = torch.zeros((), dtype=torch.int64, device=predicted.following_R.device)

    @property
    def tensors(self) -> list[torch.Tensor]:
        """All of them."""
        return [side for side in (self.front, *self.predicted) if side is not None]

    def begin(self, predicted: Predicted, cache: TreeCache) -> None:
        """A document's first prediction, and the rows that the host has counted so far; the device counts on."""
        self.front.fill_(cache.length)
        self._take(predicted)
        cache.count_on_device(self.front)

    def go_on(self, predicted: Predicted, cache: TreeCache) -> None:
        """A round's prediction for the next, and the rows that it leaves."""
        front = cache.front
        assert isinstance(front, torch.Tensor), "the host counts"
        self.front.copy_(front)
        self._take(predicted)
        cache.count_on_device(self.front)

    def _take(self, predicted: Predicted) -> None:
        for mine, new in zip(self.predicted, predicted, strict=True):
            if mine is not None and new is not None:
                mine.copy_(new)
