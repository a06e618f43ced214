"""Pictures of the analysis as PNG bytes: maps of states by t-SNE, similarity layer by layer, weights over training.

A t-SNE map shows neighbourhoods, not distances, and differs from seed to seed; that is why three stand side by side.
Numbers to be compared are in the tables.
"""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PERPLEXITY = 30.0
SEEDS = 3
Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def perplexity(n: int) -> float:
    """30, or a third of the samples where there are few: t-SNE wants more neighbours than that."""
    return max(1.0, min(PERPLEXITY, (n - 1) / 3))


def tsne(compressed_MC: Floats, seed: int) -> Floats:
    """Places in a plane (M, 2)."""
    from sklearn.manifold import TSNE

    model = TSNE(perplexity=perplexity(len(compressed_MC)), init="random", random_state=seed)
    places: Floats = model.fit_transform(compressed_MC)
    return places


def map_picture(maps: Mapping[int, Floats], labels_M: Labels, names: Sequence[str], title: str) -> bytes:
    """One panel a seed, one colour a perspective."""
    figure = _figure(4.2 * len(maps) + 1.8, 4.2)
    axes = figure.subplots(1, len(maps), squeeze=False)[0]
    for axis, (seed, places) in zip(axes, maps.items(), strict=True):
        for k, name in enumerate(names):
            axis.scatter(*places[labels_M == k].T, s=8, color=_colour(k), label=name)
        axis.set(title=f"seed {seed}", xticks=[], yticks=[])
    axes[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    figure.suptitle(title)
    return _png(figure)


def curves_picture(
    panels: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float]]]], *, x: str, y: str
) -> bytes:
    """One panel a title, one curve a name: the places on the x axis, and on the y axis, which the panels share."""
    figure = _figure(3.6 * len(panels) + 2.4, 3.8)
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axis, (title, curves) in zip(axes, panels.items(), strict=True):
        for k, (name, (xs, ys)) in enumerate(curves.items()):
            axis.plot(xs, ys, marker=".", color=_colour(k), label=name)
        axis.set(title=title, xlabel=x)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel(y)
    axes[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return _png(figure)


def _figure(width: float, height: float) -> "Figure":
    """A figure that no display and no global state belongs to."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _colour(k: int) -> Any:
    from matplotlib import colormaps

    return colormaps["tab10"](k % 10)


def _png(figure: "Figure") -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()
