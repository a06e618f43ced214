"""Questions of one story are one draw: items are summed up by cluster before anything is drawn or tested (ADR 8)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def cluster_name(suite: str, doc_id: int, cluster: str) -> str:
    """The cluster of a document among those of all suites; one of its own where its suite names none.

    Suites that ask one question in two wordings tell one story, under one name.
    """
    return cluster or f"{suite}/{doc_id}"


def cluster_totals(values_IS: Floats, clusters: Sequence[str]) -> Floats:
    """Sums (C, S) over each cluster's items; clusters in the order in which they first occur."""
    place = {name: c for c, name in enumerate(dict.fromkeys(clusters))}
    totals_CS = np.zeros((len(place), values_IS.shape[1]))
    np.add.at(totals_CS, [place[name] for name in clusters], values_IS)
    return totals_CS


def by_cluster(scores_IS: Floats, clusters: Sequence[str]) -> Floats:
    """Scores (C, S) of clusters, m + C/I sum_i (x_i - m) with a seed's mean m, which they keep.

    Where each cluster holds one item, the scores are what they were.
    """
    mean_S = scores_IS.mean(axis=0)
    totals_CS = cluster_totals(scores_IS - mean_S, clusters)
    scores_CS: Floats = mean_S + totals_CS * len(totals_CS) / len(clusters)
    return scores_CS
