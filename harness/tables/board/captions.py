"""What pictures beside each other are called: what all of one kind show and say is told once, above them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from offbook.harness.tables.board.plot import Plot


class Captioned(NamedTuple):
    """A picture with what is told below it."""

    plot: Plot
    title: str
    caption: tuple[str, ...]


class Pictures(NamedTuple):
    """Pictures beside each other, and what is told above them; "" and nothing where they are of several kinds."""

    title: str
    said: tuple[str, ...]
    pictures: tuple[Captioned, ...]


def in_rows(plots: Iterable[Plot]) -> Iterator[Pictures]:
    """Pictures in order; a kind is what their titles have before the first colon."""
    alone: list[Captioned] = []
    for kind, found in groupby(plots, key=lambda plot: plot.title.partition(": ")[0]):
        alike = [*found]
        if len(alike) == 1:
            alone.append(Captioned(alike[0], alike[0].title, alike[0].caption))
            continue
        if alone:
            yield Pictures("", (), tuple(alone))
            alone = []
        yield _of_kind(kind, alike)
    if alone:
        yield Pictures("", (), tuple(alone))


def _of_kind(kind: str, plots: Sequence[Plot]) -> Pictures:
    shared = [said for said in plots[0].caption if all(said in plot.caption for plot in plots)]
    pictures = (
        Captioned(plot, plot.title.partition(": ")[2], tuple(said for said in plot.caption if said not in shared))
        for plot in plots
    )
    return Pictures(kind, tuple(shared), tuple(pictures))
