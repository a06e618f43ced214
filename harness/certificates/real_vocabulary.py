"""Whether what is said on a real vocabulary follows the law that it was drawn from, token by token.

Every token's cell, less its exact probability given all that came before, is a martingale difference, so positions and
prompts of any number add up to one chi-square statistic with a covariance that is known. The statistic decides what can
be seen at all: cells hang on what was drafted, for faults of verifiers move mass between candidates and the rest. They
may hang on all that is settled before the token is drawn and on nothing else; so not on candidates of a drafter that
knows the noise of the draw, whose every answer is held against plain decoding's instead.

Shapes: V vocabulary, J cells, K of them after rare ones were pooled.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.stats import chi2, ncx2

from offbook.engine.decoding.candidate_draws import Drawn
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import TreeTensors
from offbook.engine.decoding.verify import Verdict, Verifier, races
from offbook.harness.certificates.provenance import Provenance
from offbook.kernels.verify_tree.race import Floats, Ints

POWER = 0.99
CANDIDATES = 4  # that have a cell each; the others share one
RANKS = (1, 4, 16)  # of the draft law, or of the target's: where the next cell begins
MOST_CELLS = 2 * (len(RANKS) + 2)  # by rank and by sign, or the candidates and the rest by rank
LEAST_EXPECTED = 5.0  # tokens of a cell; a single one where a hundredth is expected would look like a fault


@dataclass
class Cells:
    """What was seen and what was to be expected, by cell."""

    count: int
    tokens: int = 0
    impossible: int = 0
    seen_J: Floats = field(init=False)
    expected_J: Floats = field(init=False)
    covariance_JJ: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.seen_J, self.expected_J = np.zeros((2, self.count))
        self.covariance_JJ = np.zeros((self.count, self.count))

    def add(self, p_V: Floats, cells_V: Ints, said: int) -> None:
        """One token.

        Args:
            p_V: the law that it should follow.
            cells_V: the cell of each token, settled before it was drawn.
            said: the token.
        """
        mass_J: Floats = np.bincount(cells_V, weights=p_V, minlength=self.count)
        p_J = mass_J / mass_J.sum()
        self.tokens += 1
        self.impossible += int(p_V[said] <= 0)
        self.seen_J[cells_V[said]] += 1
        self.expected_J += p_J
        self.covariance_JJ += np.diag(p_J) - np.outer(p_J, p_J)

    def add_stranger(self) -> None:
        """One that is no token of the vocabulary."""
        self.tokens += 1
        self.impossible += 1

    @property
    def degrees(self) -> int:
        """Of freedom."""
        return int(np.linalg.matrix_rank(self._pooled()[1], hermitian=True)) if self.tokens else 0

    def p_value(self) -> float:
        """That such a difference is chance; 0 where an impossible token was said."""
        if self.impossible:
            return 0.0
        if not self.degrees:
            return 1.0
        off_K, covariance_KK = self._pooled()
        statistic = float(off_K @ np.linalg.pinv(covariance_KK, hermitian=True) @ off_K)
        return float(chi2.sf(statistic, self.degrees))

    def moved(self) -> float:
        """The mass that was seen to move between cells, chance included."""
        return float(np.abs(self.seen_J - self.expected_J).sum()) / (2 * max(1, self.tokens))

    def found_move(self, alpha: float) -> float:
        """How much of the mass, moved between cells anyhow, would have been found with `POWER` at this level."""
        if not self.degrees:
            return 1.0
        critical, low, high = chi2.isf(alpha, self.degrees), 0.0, 1e6
        for _ in range(60):  # the noncentrality that is found so often
            middle = (low + high) / 2
            low, high = (middle, high) if ncx2.sf(critical, self.degrees, middle) < POWER else (low, middle)
        # A move of total variation d shifts the counts by n s with |s|_1 = 2 d, so that |s|^2 >= 4 d^2 / J
        # in J cells, and s C^-1 s >= |s|^2 / largest eigenvalue of C.
        covariance_KK = self._pooled()[1]
        largest, cells = float(np.linalg.eigvalsh(covariance_KK)[-1]), len(covariance_KK)
        return min(1.0, float(np.sqrt(high * largest * cells)) / (2 * self.tokens))

    def _pooled(self) -> tuple[Floats, Floats]:
        """Seen less expected, and its covariance, of cells of which those expected too seldom are one.

        That is settled by what was expected, whatever was seen. Where all these together are too few, the next joins.
        """
        ascending = np.argsort(self.expected_J, kind="stable")
        rare = int((self.expected_J < LEAST_EXPECTED).sum())
        while 0 < rare < self.count and self.expected_J[ascending[:rare]].sum() < LEAST_EXPECTED:
            rare += 1
        own_JJ = np.eye(self.count)[ascending]
        cells_KJ = np.vstack([own_JJ[:rare].sum(axis=0), own_JJ[rare:]]) if rare else own_JJ
        return cells_KJ @ (self.seen_J - self.expected_J), cells_KJ @ self.covariance_JJ @ cells_KJ.T


@dataclass
class Seen:
    """What a decoder in offbook's loop was seen to say, and to draw.

    Attributes:
        said: tokens against the target's law.
        drafted: candidates against the laws that they are said to be drawn from; each node's one after the other.
        off_one: how far the mass of such a law was from one, at most.
        provenance: where these laws come from.
        drawn: what the drafter drew since the last tree, where it may be looked on at.
    """

    said: Cells = field(default_factory=lambda: Cells(MOST_CELLS))
    drafted: Cells = field(default_factory=lambda: Cells(2 * (len(RANKS) + 1)))  # by rank, first siblings and others
    off_one: float = 0.0
    provenance: Provenance = field(default_factory=Provenance)
    drawn: list[Drawn] = field(default_factory=list)

    def look_at(self, tree: TreeTensors) -> None:
        """The candidates of a tree that were drawn."""
        self.provenance.look_at(tree, self.drawn)
        self.drawn.clear()
        for node, children in enumerate(tree.host.children if tree.drawn_from_NV is not None else ()):
            if not children:
                continue
            left_TV = _laws_behind(tree, node)
            self.off_one = max(self.off_one, float(np.abs(left_TV.sum(axis=1) - 1).max()))
            for place, child in enumerate(children):
                left_V = left_TV[place % len(left_TV)]
                cells_V = _by_rank(left_V) + (len(RANKS) + 1) * (place > 0)  # apart, or re-ranked ones would not show
                self.drafted.add(left_V / left_V.sum(), cells_V, tree.host.tokens[child])
                left_TV[:, tree.host.tokens[child]] = 0


def _laws_behind(tree: TreeTensors, node: int) -> Floats:
    """The law that a node's children were drawn from, or those that took turns, (T, V); a copy."""
    assert tree.drawn_from_NV is not None
    return np.atleast_2d(tree.drawn_from_NV[node].double().numpy(force=True)).copy()


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A verifier whose every token is held against the law behind its node, and whose trees are looked at.

    Attributes:
        verifier: decides.
        sampling: its settings.
        seen: is told.
        coupled: whether candidates may hang on the noise of the draws; no cell may then hang on the candidates.
    """

    verifier: Verifier
    sampling: Sampling
    seen: Seen
    coupled: bool = False

    @property
    def races(self) -> bool:
        """See `RacingVerifier`."""
        return races(self.verifier)

    def __call__(self, logits_NV: torch.Tensor, tree: TreeTensors, generator: torch.Generator) -> Verdict:
        """See `Verifier`."""
        self.seen.look_at(tree)
        verdict = self.verifier(logits_NV, tree, generator)
        said = [*(tree.host.tokens[node] for node in verdict.path[1:]), int(verdict.bonus)]
        for node, token in zip(verdict.path, said, strict=True):
            p_V = self.sampling.probabilities(logits_NV[node : node + 1])[0].double().numpy(force=True)
            self.seen.said.add(p_V, self._cells(p_V, tree, node), token)
        return verdict

    def _cells(self, p_V: Floats, tree: TreeTensors, node: int) -> Ints:
        children = tree.host.children[node]
        if tree.drawn_from_NV is not None and children:
            return cells_of_law(p_V, _laws_behind(tree, node).mean(axis=0))
        return cells_of_candidates(p_V, [] if self.coupled else [tree.host.tokens[child] for child in children])


def cells_of_law(p_V: Floats, q_V: Floats) -> Ints:
    """By rank under the draft law, tokens that it never draws apart, and by which of the laws gives a token more."""
    by_rank_V = _by_rank(q_V)
    by_rank_V[q_V <= 0] = len(RANKS) + 1
    found: Ints = 2 * by_rank_V + (p_V > q_V)
    return found


def cells_of_candidates(p_V: Floats, candidates: list[int]) -> Ints:
    """A cell for each of the first candidates and one for the others; the rest by rank under the target's law."""
    cells_V = _by_rank(p_V) + CANDIDATES + 1
    for place, token in enumerate(candidates):
        cells_V[token] = min(place, CANDIDATES)
    return cells_V


def _by_rank(law_V: Floats) -> Ints:
    """0 for the likeliest token, up to len(RANKS) for those behind the last of the ranks."""
    cells_V = np.full(len(law_V), len(RANKS), dtype=np.int64)
    most = min(RANKS[-1], len(law_V))
    best = np.argpartition(-law_V, most - 1)[:most]
    best = best[np.argsort(-law_V[best], kind="stable")]
    cells_V[best] = np.searchsorted(RANKS, np.arange(most), side="right")
    return cells_V
