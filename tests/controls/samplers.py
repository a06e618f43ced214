"""Samplers that look right and are not, as one round on a toy: each must be rejected by the test the real ones pass.

Most have been shipped by somebody, or stand in a published rule; the others are what a slip of the pen makes of the
rule. A round is played with all chance left to `harness.certificates.law.Branches`, so that its law is enumerated and
no draw decides whether a fault shows.

Sources: EAGLE's and Jakiro's released code, Medusa's (arXiv:2401.10774), transformers' and vLLM's issues, DSpark
(arXiv:2607.05147) appendix A, as named below.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.stats import chi2, ncx2

from offbook.engine.decoding.sampling import Sampling
from offbook.harness.certificates.law import Branches, law
from offbook.harness.certificates.sampling import ALPHA
from offbook.harness.certificates.toy_target import SMALL, ToyTarget, warped
from offbook.harness.certificates.verifiers import DRAWS
from offbook.harness.statistics.goodness_of_fit import LEAST_EXPECTED

SETTINGS = (
    Sampling(temperature=1.0),
    Sampling(temperature=0.7, top_p=0.9),
    Sampling(temperature=1.5, top_k=3),
)
NOBODY = np.zeros(1, dtype=np.int64)


class Game:
    """The toy's laws, filtered and raw, of target and draft behind any text."""

    def __init__(self, sampling: Sampling) -> None:
        self.sampling, self.toy = sampling, ToyTarget(sampling, SMALL)
        raw = Sampling(temperature=1.0)
        self._p = [warped(table, sampling) for table in self.toy.logits]
        self._q = [warped(table, sampling) for table in self.toy.draft_logits]
        self._raw_p = [warped(table, raw) for table in self.toy.logits]
        self._raw_q = [warped(table, raw) for table in self.toy.draft_logits]

    def p(self, text: tuple[int, ...], *, raw: bool = False) -> np.ndarray:
        """Of the target; a copy."""
        return self._behind(self._raw_p if raw else self._p, text)

    def q(self, text: tuple[int, ...], *, raw: bool = False) -> np.ndarray:
        """Of the draft; a copy."""
        return self._behind(self._raw_q if raw else self._q, text)

    def deviation(self, found: dict[tuple[int, ...], float]) -> float:
        """How far texts are from the target's law, where the target continues what a round commits."""
        return float(np.abs(self._said(found) - self.toy.exact).max())

    def power(self, found: dict[tuple[int, ...], float]) -> float:
        """How likely a certificate's draws show that: by Pearson's statistic over texts, or by an impossible text."""
        said, exact = self._said(found), self.toy.exact
        large = exact * DRAWS >= LEAST_EXPECTED
        moved = DRAWS * float(((said - exact)[large] ** 2 / exact[large]).sum())
        degrees = int(large.sum()) - 1
        by_cells = ncx2.sf(chi2.isf(ALPHA / SMALL.length, degrees), degrees, min(moved, 1e4))
        by_impossible = 1 - (1 - min(1.0, float(said[exact == 0].sum()))) ** DRAWS
        return max(float(by_cells), by_impossible)

    def _said(self, found: dict[tuple[int, ...], float]) -> np.ndarray:
        """The law of whole texts."""
        texts = np.zeros((len(found), SMALL.length), dtype=np.int64)
        for row, tokens in zip(texts, found, strict=True):
            row[: len(tokens)] = tokens
        lengths, weights = np.array([*map(len, found)]), np.array([*found.values()])
        return self.toy.completed(texts, lengths, weights)

    @staticmethod
    def _behind(tables: list[np.ndarray], text: tuple[int, ...]) -> np.ndarray:
        number = 0
        for token in text:
            number = number * SMALL.vocabulary + token
        return tables[len(text)][number].copy()


@dataclass(frozen=True, kw_only=True)
class Node:
    """A candidate, or the root."""

    text: tuple[int, ...]
    children: tuple["Node", ...] = ()

    @property
    def token(self) -> int:
        return self.text[-1]


Round = Callable[[Game, Branches], tuple[int, ...]]
Drafted = Callable[[Game, Branches, str], Node]


def unit(law_V: np.ndarray) -> np.ndarray:
    return law_V / law_V.sum()


def drawn_tree(game: Game, chance: Branches, fault: str) -> Node:
    """Candidates drawn without replacement, in the shape of the toy's tree."""

    def grow(text: tuple[int, ...], place: int) -> Node:
        left = game.q(text)
        if fault == "a draft of another temperature":
            left = unit(left**1.3)
        if fault == "a truncated draft under its raw law":
            left = unit(np.where(left >= np.sort(left)[-2], left, 0))
        grown = []
        for child in SMALL.children[place]:
            if not left.sum() > 0:
                break
            token = chance.choose(unit(left))
            if fault == "a greedy draft under a soft law":
                token = int(left.argmax())
            left[token] = 0
            grown.append(grow((*text, token), child))
        return Node(text=text, children=tuple(grown))

    return grow((), 0)


def drawn(fault: str = "none", tree: Drafted = drawn_tree) -> Round:
    """One round of drawn candidates."""

    def play(game: Game, chance: Branches) -> tuple[int, ...]:
        node, before = tree(game, chance, fault), ()
        while True:
            p, q = game.p(node.text), game.q(node.text)
            whole, law_of_draft, went = p.copy(), q.copy(), None
            order = list(node.children)
            if fault == "siblings re-ranked by the draft law":
                order.sort(key=lambda child: -law_of_draft[child.token])
            if fault == "the likelier of two siblings is kept":
                order = sorted(order, key=lambda child: -law_of_draft[child.token])[:1]
            for place, child in enumerate(order):
                if fault == "a threshold on the candidate's own law" and law_of_draft[child.token] < 0.25:
                    break
                if fault == "verified only if worth it, by the draw itself" and place == 0 and child.token % 2:
                    break
                share = p[child.token] / max(q[child.token], 1e-300)
                if fault == "later siblings under the whole draft law":
                    share = p[child.token] / law_of_draft[child.token]
                if fault == "the ratio upside down":
                    share = q[child.token] / max(p[child.token], 1e-300)
                if fault == "the rule for given candidates":
                    share = p[child.token]
                if fault == "accepted by a threshold":
                    share = float(whole[child.token] > 0.2)
                if fault == "accepted a twentieth too often":
                    share = min(1.0, share) * 0.95 + 0.05
                if fault == "numbers scaled by a fiftieth":
                    share *= 1 / 1.02
                if chance.accepts(NOBODY, len(node.text), place, np.array([min(1.0, share)]))[0]:
                    went = child
                    break
                left = np.maximum(0, p - q)
                if fault == "residual of absolute differences":
                    left = np.abs(p - q)
                if fault == "resampled from the whole law":
                    left = whole.copy()
                if fault == "residual without the candidate alone":
                    left = p.copy()
                    left[child.token] = 0
                if fault == "residual of the position before" and before:
                    left = np.maximum(0, game.p(before[-1]) - game.q(before[-1]))
                if not left.sum() > 0:
                    went = child
                    break
                p = unit(left)
                q[child.token] = 0
                q = unit(q) if q.sum() > 0 else q
            if went is None:
                leaf = not node.children
                if fault == "a leaf's bonus token from the raw law" and leaf:
                    p = game.p(node.text, raw=True)
                if fault == "a leaf's bonus token from the draft" and leaf:
                    p = law_of_draft
                if fault == "a leaf's bonus token from the row before" and leaf and before:
                    p = game.p(before[-1])
                if fault == "bonus tokens sharpened" and leaf:
                    p = unit(p**1.05)
                return (*node.text, *chance.draws(NOBODY, len(node.text), p[None]).tolist())
            before = (*before, node.text)
            node = went

    return play


def given_tree() -> Node:
    def grow(text: tuple[int, ...], place: int) -> Node:
        children = SMALL.children[place]
        return Node(text=text, children=tuple(grow((*text, SMALL.tokens[child]), child) for child in children))

    return grow((), 0)


def given(fault: str = "none") -> Round:
    """One round of given candidates, asked in instalments as EAGLE-2 does."""

    def play(game: Game, chance: Branches) -> tuple[int, ...]:
        node = given_tree()
        while True:
            p, went = game.p(node.text), None
            whole = p.copy()
            raw = game.p(node.text, raw=True)
            for place, child in enumerate(node.children):
                read = node.children[place - 1] if fault == "a sibling's probability" else child
                share = p[read.token]
                if fault == "accepted by the unfiltered law":
                    share = raw[child.token]
                if fault == "typical acceptance":
                    entropy = float(-(whole[whole > 0] * np.log(whole[whole > 0])).sum())
                    share = float(whole[child.token] > min(0.09, 0.3 * np.exp(-entropy)))
                if chance.accepts(NOBODY, len(node.text), place, np.array([min(1.0, float(share))]))[0]:
                    went = child
                    break
                p[child.token] = 0
                if not p.sum() > 0:
                    went = child
                    break
                if fault != "siblings without renormalisation":
                    p = unit(p)
            if went is None:
                if fault == "a bonus token from the raw law" and not node.children:
                    p = raw
                if fault == "rejected siblings come back":
                    p = whole
                if fault == "one bonus token in ten is uniform":
                    p = 0.9 * unit(p) + 0.1 / len(p)
                text = node.text[:-1] if fault == "the last accepted token is lost" else node.text
                return (*text, *chance.draws(NOBODY, len(node.text), unit(p)[None]).tolist())
            node = went

    return play


# fault: where it was seen
DRAWN_FAULTS = {
    "siblings re-ranked by the draft law": "what a tree built by score does to drawn siblings",
    "the likelier of two siblings is kept": "the same, cut to a budget",
    "a threshold on the candidate's own law": "a stored design note of vLLM (verify_adaptive); right for given ones",
    "verified only if worth it, by the draw itself": "DSpark (arXiv:2607.05147), appendix A",
    "later siblings under the whole draft law": "drawing without replacement, verified as with",
    "the ratio upside down": "a slip",
    "the rule for given candidates": "EAGLE-2's rule on EAGLE's drawn candidates",
    "accepted by a threshold": "a slip of typical acceptance",
    "accepted a twentieth too often": "an epsilon on the ratio",
    "numbers scaled by a fiftieth": "a uniform number that is not below one",
    "residual of absolute differences": "a slip",
    "resampled from the whole law": "the target asked again instead of the residual",
    "residual without the candidate alone": "EAGLE before December 2023 (issue 20)",
    "residual of the position before": "an index off by one",
    "a draft of another temperature": "transformers #47932: another law than was sampled from",
    "a truncated draft under its raw law": "transformers #47932, PR #47961",
    "a greedy draft under a soft law": "transformers #32867",
    "a leaf's bonus token from the raw law": "EAGLE (branch v1), Jakiro: no temperature, no filter",
    "a leaf's bonus token from the draft": "a slip",
    "a leaf's bonus token from the row before": "an index off by one",
    "bonus tokens sharpened": "another temperature for the bonus token",
}
GIVEN_FAULTS = {
    "a bonus token from the raw law": "EAGLE-2 before April 2025, Jakiro",
    "rejected siblings come back": "the whole law instead of the residual",
    "siblings without renormalisation": "a slip",
    "a sibling's probability": "an index off by one",
    "accepted by the unfiltered law": "filters for the bonus token alone",
    "typical acceptance": "Medusa (arXiv:2401.10774), lossy by design",
    "one bonus token in ten is uniform": "a fallback for a mass of zero, taken too often",
    "the last accepted token is lost": "a slip in the cache",
}


class Judged(NamedTuple):
    """What proofs find of a sampler, at the one of the settings where they find most.

    Attributes:
        deviation: of a text's probability, at most.
        power: how likely draws show it.
    """

    deviation: float
    power: float


def judged(play: Round) -> Judged:
    """By its law, every branch enumerated."""
    found = []
    for sampling in SETTINGS:
        game = Game(sampling)
        outcomes = law(lambda chance, game=game: play(game, chance))
        found.append((game.deviation(outcomes), game.power(outcomes)))
    return Judged(*map(max, zip(*found, strict=True)))


def largest_deviation(play: Round) -> float:
    """Over the settings."""
    return judged(play).deviation
