"""Drafters draw their candidates here: each from a law, by a generator's numbers, and before whoever looks on.

Drawn candidates are exact only where the law that a tree names is the one that they were drawn from, to the last bit:
the same number format, the same filters, in the order of the draws. Statistics do not see a law that is a little off,
such as one drawn from in bfloat16 and named in float32. So a proof looks on at what is drawn from
(`harness.certificates.provenance`); a drafter that draws by code of its own is judged by statistics alone.

Shapes: R laws, D tokens that may be drafted, K draws from each law.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch

from offbook.engine.decoding.verify import new_seeds
from offbook.kernels.verify_tree import draw


class Drawn(NamedTuple):
    """A law (D,), and the places that were drawn from it, one after the other without replacement."""

    law_D: torch.Tensor
    places: tuple[int, ...]


_onlookers: list[list[Drawn]] = []


@contextmanager
def looking_on() -> Iterator[list[Drawn]]:
    """What is drawn meanwhile, in that order; whoever looks on may empty the list."""
    seen: list[Drawn] = []
    _onlookers.append(seen)
    try:
        yield seen
    finally:
        _onlookers.pop()


def one_of(law_D: torch.Tensor, generator: torch.Generator) -> int:
    """One token of a law, by the race that the target's own draws are (`kernels.verify_tree.race`)."""
    (place,) = draw(law_D[None].numpy(force=True), new_seeds(1, generator)).tolist()
    _show(law_D[None], [[place]])
    return int(place)


def some_of(laws_RD: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """Tokens (R, K) of laws, of each one after the other without replacement, by an exponential race.

    A law with fewer possible tokens ends in places of probability 0, which were not drawn.
    """
    noise_RD = torch.empty_like(laws_RD).exponential_(generator=generator)
    places_RK = (laws_RD / noise_RD).topk(count, dim=-1).indices
    if _onlookers:
        _show(laws_RD, places_RK.tolist())
    return places_RK


def _show(laws_RD: torch.Tensor, places_RK: list[list[int]]) -> None:
    for seen in _onlookers:
        seen += [Drawn(law_D.clone(), tuple(places)) for law_D, places in zip(laws_RD, places_RK, strict=True)]
