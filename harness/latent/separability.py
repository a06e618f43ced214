"""Can the perspective of a rationale be told from its states: by distance, by a linear probe, by a mixture?

All three on standardised features; silhouette and mixture in their first 50 principal components. The probe is scored
on questions it has not seen, because two rationales of one question share most of what a state says. What must be held
against it: the base model reading the same texts, a text encoder's vectors, and lengths alone.

Legend: M rationales, D features, C components.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

COMPRESSED = 50
FOLDS = 5
COMPONENTS = 20
ITERATIONS = 1000

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """A Dirichlet-process mixture held against the perspectives.

    Attributes:
        occupied: components that a rationale is assigned to.
        ari: adjusted Rand index of components and perspectives: 0 by chance, 1 for the same partition.
        nmi: normalised mutual information: 0 for independent ones, 1 for the same.
        converged: whether the fit settled in `ITERATIONS`.
    """

    occupied: int
    ari: float
    nmi: float
    converged: bool


def compress(features_MD: Floats, seed: int = 0) -> Floats:
    """Standardised, then the first principal components, at most 50."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    standard = StandardScaler().fit_transform(features_MD)
    components = min(COMPRESSED, *standard.shape)
    compressed: Floats = PCA(components, svd_solver="full", random_state=seed).fit_transform(standard)
    return compressed


def length_features(tokens_M: NDArray[np.int64]) -> Floats:
    """What lengths say to a linear probe: centred logarithm, and its square, which tells wide spreads from narrow."""
    logarithm = np.log(tokens_M.astype(np.float64))
    centred = logarithm - logarithm.mean()
    return np.stack([centred, centred**2], axis=1)


def silhouette(compressed_MC: Floats, labels_M: Labels) -> float:
    """Mean silhouette of the labels, -1 to 1: how much nearer a rationale is to its own perspective than to the next.

    NaN where every rationale has a label of its own, or all have one.
    """
    from sklearn.metrics import silhouette_score

    if not 2 <= len(np.unique(labels_M)) < len(labels_M):
        return float("nan")
    return float(silhouette_score(compressed_MC, labels_M))


def probe(features_MD: Floats, labels_M: Labels, groups_M: Labels | None, seed: int = 0) -> NDArray[np.bool_]:
    """Whether a logistic regression names each label rightly, cross-validated; (M,).

    Args:
        features_MD: standardised here, by the training folds.
        labels_M: to be named; at least two of them in every training fold.
        groups_M: rows of one group never stand on both sides; None deals rows at random.
        seed: of the folds.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, KFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    folds = min(FOLDS, len(features_MD) if groups_M is None else len(np.unique(groups_M)))
    splitter: Any = (KFold if groups_M is None else GroupKFold)(folds, shuffle=True, random_state=seed)
    right_M = np.zeros(len(labels_M), dtype=np.bool_)
    for train, test in splitter.split(features_MD, labels_M, groups_M):
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=ITERATIONS))
        model.fit(features_MD[train], labels_M[train])
        right_M[test] = model.predict(features_MD[test]) == labels_M[test]
    return right_M


def mixture(compressed_MC: Floats, labels_M: Labels, seed: int = 0) -> Mixture:
    """A truncated Dirichlet-process mixture of diagonal Gaussians, which is not told the labels."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
    from sklearn.mixture import BayesianGaussianMixture

    model = BayesianGaussianMixture(
        n_components=min(COMPONENTS, len(compressed_MC)),
        covariance_type="diag",
        weight_concentration_prior_type="dirichlet_process",
        max_iter=ITERATIONS,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # reported as `converged`
        assigned_M = model.fit_predict(compressed_MC)
    return Mixture(
        occupied=len(np.unique(assigned_M)),
        ari=float(adjusted_rand_score(labels_M, assigned_M)),
        nmi=float(normalized_mutual_info_score(labels_M, assigned_M)),
        converged=bool(model.converged_),
    )
