"""From numbers to places on paper, and which numbers stand at an axis."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """An axis.

    Attributes:
        low, high: the numbers at its ends.
        start, end: their places.
        doubling: whether equal ways are equal ratios.
    """

    low: float
    high: float
    start: float
    end: float
    doubling: bool = False

    @classmethod
    def over(cls, values: Iterable[float], *, start: float, end: float, margin: float = 0.05) -> "Scale":
        """One that holds all values that are known, and a little more."""
        known = [value for value in values if math.isfinite(value)]
        low, high = (min(known), max(known)) if known else (0.0, 1.0)
        room = margin * (high - low) or max(abs(high), 1.0) / 20
        return cls(low=low - room, high=high + room, start=start, end=end)

    def __call__(self, value: float) -> float:
        """The place of a number."""
        low, high, at = (math.log2(n) if self.doubling else n for n in (self.low, self.high, value))
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """Round numbers within it, in order."""
        if self.doubling:
            first, last = math.ceil(math.log2(self.low) - 1e-9), math.floor(math.log2(self.high) + 1e-9)
            every = max(1, math.ceil((last - first + 1) / most))
            return [2.0**power for power in range(first, last + 1, every)]
        step = _step((self.high - self.low) / most)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(number * step, 12) for number in range(first, last + 1)]


def _step(least: float) -> float:
    """The smallest round step that is not smaller."""
    size = 10.0 ** math.floor(math.log10(least))
    return next(size * step for step in STEPS if size * step >= least * (1 - 1e-9))
