"""The sampler that was released with Jakiro's decoupled heads (Jakiro*, arXiv:2502.06282): an exhibit, on the toy.

Both heads' logits stand side by side under one softmax over twice the vocabulary. Entries of it are drawn without
replacement; an entry's place modulo the vocabulary is its token. So a candidate comes from the law

    q(x) = s(x) + s(x + V)            s the softmax over both heads

The verifier plays EAGLE's rule for drawn candidates, with other numbers than these (haiduo/Jakiro, `jakiro_star`):

    a token that is drawn twice, once of each head, is passed over, and what is left behind is counted by entries
    the candidate's probability is s(x + V) alone, whichever entry was drawn
    the residual takes away a softmax of the mean of both heads' softmaxes, which is nearly flat

Each of the three alone changes the law; without them the rule is exact. One node with two candidates shows it.
"""

from collections.abc import Collection

import numpy as np

from offbook.harness.certificates.law import Branches
from offbook.harness.certificates.toy_target import SMALL, warped
from tests.controls.samplers import NOBODY, SETTINGS, Game, Round, unit

V, CANDIDATES = SMALL.vocabulary, 2
FAULTS = ("what is left is counted by entries", "the second head's entry alone", "a softmax of softmaxes")


def heads(game: Game) -> tuple[np.ndarray, np.ndarray]:
    """Logits (V,) of two heads behind the root, each knowing something of the target."""
    first = game.toy.draft_logits[0][0]
    return first, 0.5 * game.toy.logits[0][0] + np.random.default_rng(7).standard_normal(V)


def two_heads(faults: Collection[str] = ()) -> Round:
    """One round with these faults; all of them as it was released."""

    def play(game: Game, chance: Branches) -> tuple[int, ...]:
        by_entry, second_alone, flat = (fault in faults for fault in FAULTS)
        first, second = heads(game)
        s = warped(np.concatenate([first, second])[None], game.sampling)[0]
        q = s[:V] + s[V:]
        mean = (warped(first[None], game.sampling)[0] + warped(second[None], game.sampling)[0]) / 2
        entries, left = [], s.copy()
        while len(entries) < CANDIDATES and left.sum() > 0:
            entries.append(chance.choose(unit(left)))
            left[entries[-1] if by_entry else [entries[-1] % V, entries[-1] % V + V]] = 0
        p, seen = game.p(()), list[int]()
        for place, entry in enumerate(entries):
            token = entry % V
            if token in seen:
                continue
            gone = s[entries[:place]].sum() if by_entry else q[seen].sum()
            own = (s[V + token] if second_alone else q[token]) / (1 - gone)
            share = np.array([min(1.0, p[token] / max(own, 1e-300))])
            taken = unit(np.exp(mean)) if flat else q.copy()
            taken[seen] = 0
            residual = np.maximum(0, p - unit(taken))
            if chance.accepts(NOBODY, 0, place, share)[0] or not residual.sum() > 0:
                return token, *chance.draws(NOBODY, 1, game.p((token,))[None]).tolist()
            p = unit(residual)
            seen.append(token)
        return tuple(chance.draws(NOBODY, 0, p[None]).tolist())

    return play


class Dice:
    """Real draws in the place of `Branches`."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def choose(self, weights: np.ndarray) -> int:
        return int(self.rng.choice(len(weights), p=weights))

    def accepts(self, rounds_R: np.ndarray, depth: int, place: int, probability_R: np.ndarray) -> np.ndarray:
        return self.rng.random(len(probability_R)) < probability_R

    def draws(self, rounds_R: np.ndarray, depth: int, p_RV: np.ndarray) -> np.ndarray:
        return np.array([self.choose(unit(p_V)) for p_V in p_RV])


def said(play: Round, *, n: int, seed: int) -> tuple[Game, np.ndarray, np.ndarray]:
    """What n rounds at the first of the settings commit: texts (n, length), of which so many tokens each count."""
    game, dice = Game(SETTINGS[0]), Dice(np.random.default_rng(seed))
    texts, lengths = np.zeros((n, SMALL.length), dtype=np.int64), np.zeros(n, dtype=np.int64)
    for row in range(n):
        tokens = play(game, dice)
        texts[row, : len(tokens)], lengths[row] = tokens, len(tokens)
    return game, texts, lengths
