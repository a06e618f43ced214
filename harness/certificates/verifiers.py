"""Certificates of the verifiers that decoding calls: every branch of their law, and a million real draws.

Both rules are functions of many rounds side by side (`kernels.verify_tree`), of which decoding plays one. So a million
rounds go through the very code that decodes, its random numbers and its fp32 distributions included, in seconds; and
with all chance left to `law.Branches` the same code shows the probability of every outcome, without an estimate.

What a round commits is completed by the target, so that texts of one length are compared, the bonus token behind the
deepest candidate included.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree
from offbook.engine.decoding.verify import VerifierFor, new_seeds
from offbook.harness.certificates.law import Branches, law
from offbook.harness.certificates.sampling import check_settings, of_draws, sampling_certificate
from offbook.harness.certificates.toy_target import SMALL, ToyTarget
from offbook.harness.records.certificate import Certificate
from offbook.kernels.verify_tree import Seeded, draw, verify, verify_drawn
from offbook.kernels.verify_tree.drawn import Chance
from offbook.kernels.verify_tree.race import Floats, Ints, Seeds

Rule = Literal["given", "drawn"]  # candidates that are given beforehand, or drawn from a draft law
RULES: tuple[Rule, ...] = ("given", "drawn")
TURNS: dict[Rule, tuple[int, ...]] = {"given": (0,), "drawn": (1, 2)}  # laws behind a node that children are drawn from
DRAWS = 1_000_000
AT_ONCE = 100_000
ONE_BY_ONE = 20_000  # rounds of a verifier that plays one at a time


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The laws of a toy's target and draft behind every prefix, by its length."""

    target: list[Floats]
    draft: list[Floats]

    @classmethod
    def as_decoded(cls, toy: ToyTarget, sampling: Sampling) -> "Tables":
        """In fp32, by the function that decoding calls."""
        return cls._of(toy, sampling, torch.float32)

    @classmethod
    def in_double(cls, toy: ToyTarget, sampling: Sampling) -> "Tables":
        """In fp64, by the same function."""
        return cls._of(toy, sampling, torch.float64)

    @classmethod
    def _of(cls, toy: ToyTarget, sampling: Sampling, dtype: torch.dtype) -> "Tables":
        target, draft = (
            [torch.from_numpy(table).to(dtype) for table in tables] for tables in (toy.logits, toy.draft_logits)
        )
        return cls(
            target=[sampling.probabilities(table).numpy() for table in target],
            draft=[_of_draft(sampling.probabilities(table), table, toy).numpy() for table in draft],
        )


def _of_draft(laws_NV: torch.Tensor, logits_NV: torch.Tensor, toy: ToyTarget) -> torch.Tensor:
    """A draft's laws, those that filters leave fewer tokens than a node has children replaced by unfiltered ones.

    A tree takes no candidate that could not be drawn (`engine.decoding.tree`), and rounds side by side have
    trees of one form.
    """
    few_N1 = (laws_NV > 0).sum(dim=-1, keepdim=True) < max(map(len, toy.shape.children))
    return logits_NV.softmax(dim=-1).where(few_N1, laws_NV)


class Player(Protocol):
    """What verifies rounds of a toy side by side, by seeds (rounds, length): last accepted nodes and bonus tokens."""

    def given(self, toy: ToyTarget, tables: Tables, tokens_BN: Ints, seeds_BL: Seeds) -> tuple[Ints, Ints]:
        """Of candidates that are given."""
        ...

    def drawn(self, toy: ToyTarget, tables: Tables, tokens_BN: Ints, seeds_BL: Seeds, turns: int) -> tuple[Ints, Ints]:
        """Of candidates that were drawn, from so many laws behind each node."""
        ...


class OnHost:
    """By the rules as decoding on the host calls them."""

    def given(self, toy: ToyTarget, tables: Tables, tokens_BN: Ints, seeds_BL: Seeds) -> tuple[Ints, Ints]:
        """See `Player`."""
        behind, depths = behind_nodes(toy, tables.target, tokens_BN), toy.shape.depths

        def say(node: int, rows: Ints) -> Ints:
            return draw(behind(node, rows), seeds_BL[rows, depths[node]])

        return verify(say, tokens_BN, toy.shape.children)

    def drawn(self, toy: ToyTarget, tables: Tables, tokens_BN: Ints, seeds_BL: Seeds, turns: int) -> tuple[Ints, Ints]:
        """See `Player`."""
        return drawn_round(toy, tables, tokens_BN, Seeded(seeds_BL), turns)


def verifier_certificate(
    rule: Rule, *, sampling: Sampling, seed: int, n: int = DRAWS, player: Player | None = None
) -> Certificate:
    """Tests a rule by real draws against the target's exact law, at these sampling settings.

    Args:
        rule: whose candidates.
        sampling: settings; temperature above 0.
        seed: of the generator of all draws, and of the continuation.
        n: rounds.
        player: verifies them; by default as on the host.

    Raises:
        ValueError: temperature 0, or n below 1000.
    """
    check_settings(sampling, n)
    toy = ToyTarget(sampling)
    tables, generator = Tables.as_decoded(toy, sampling), torch.Generator().manual_seed(seed)
    committed = np.zeros((n, toy.shape.length), dtype=np.int64)
    lengths = np.zeros(n, dtype=np.int64)
    for first in range(0, n, AT_ONCE):
        rounds = slice(first, min(n, first + AT_ONCE))
        committed[rounds], lengths[rounds] = play(rule, toy, tables, generator, rounds.stop - rounds.start, player)
    completed = toy.completed(committed, lengths)
    toy.continue_all(committed, lengths, np.random.default_rng(seed))
    return of_draws(committed, completed, toy.exact, vocabulary=toy.shape.vocabulary)


def own_verifier_certificate(
    verifier: VerifierFor, *, sampling: Sampling, seed: int, n: int = ONE_BY_ONE
) -> Certificate:
    """Tests a verifier that a decoder brings, one round after the other, on the same target and tree.

    Args:
        verifier: makes it, of the settings.
        sampling: settings; temperature above 0.
        seed: of the generator that it is given, and of the continuation.
        n: rounds.

    Raises:
        ValueError: temperature 0, n below 1000, or a path that is none of the tree.
    """
    own = verifier(sampling)

    def verify(
        logits_NV: torch.Tensor, tokens: list[int], parents: list[int], _: Sampling, generator: torch.Generator
    ) -> tuple[list[int], int]:
        verdict = own(logits_NV, Tree(tuple(tokens), tuple(parents)).tensors(), generator)
        return [*verdict.path], int(verdict.bonus)

    return sampling_certificate(verify, sampling=sampling, seed=seed, n=n)


def play(
    rule: Rule,
    toy: ToyTarget,
    tables: Tables,
    generator: torch.Generator,
    rounds: int,
    player: Player | None = None,
) -> tuple[Ints, Ints]:
    """So many rounds: the tokens that each commits (rounds, length), and how many they are (rounds,).

    Of drawn candidates, half of the rounds have one law behind each node, the others two that take turns.
    """
    by = player or OnHost()
    if rule == "given":
        tokens = np.tile(np.array(toy.shape.tokens), (rounds, 1))
        return walked(toy, tokens, *by.given(toy, tables, tokens, _seeds(toy, generator, rounds)))
    halves = [
        _play_drawn(by, toy, tables, generator, part, turns=turns)
        for turns, part in zip(TURNS[rule], (rounds - rounds // 2, rounds // 2), strict=True)
    ]
    committed, lengths = (np.concatenate(side) for side in zip(*halves, strict=True))
    return committed, lengths


def _play_drawn(
    by: Player, toy: ToyTarget, tables: Tables, generator: torch.Generator, rounds: int, *, turns: int
) -> tuple[Ints, Ints]:
    shape, seeds, rows = toy.shape, _seeds(toy, generator, rounds), np.arange(rounds)
    tokens = np.zeros((rounds, len(shape.parents)), dtype=np.int64)
    for node, children in enumerate(shape.children):
        left = laws_of_draft(toy, tables, tokens, turns)(node, rows)
        for place, child in enumerate(children):
            tokens[:, child] = draw(left[:, place % turns], new_seeds(rounds, generator))
            left[rows, :, tokens[:, child]] = 0
    return walked(toy, tokens, *by.drawn(toy, tables, tokens, seeds, turns))


def _seeds(toy: ToyTarget, generator: torch.Generator, rounds: int) -> Seeds:
    return new_seeds(rounds * toy.shape.length, generator).reshape(rounds, toy.shape.length)


def drawn_round(toy: ToyTarget, tables: Tables, tokens_BN: Ints, chance: Chance, turns: int = 1) -> tuple[Ints, Ints]:
    """Drawn candidates, verified."""
    target, draft = behind_nodes(toy, tables.target, tokens_BN), laws_of_draft(toy, tables, tokens_BN, turns)
    return verify_drawn(target, draft, tokens_BN, toy.shape.children, chance)


def laws_of_draft(toy: ToyTarget, tables: Tables, tokens_BN: Ints, turns: int) -> Callable[[int, Ints], Floats]:
    """What a node's children are drawn from in some rounds, (R, turns, V): the draft's law, and in turn its mirror."""
    behind = behind_nodes(toy, tables.draft, tokens_BN)

    def laws(node: int, rows: Ints) -> Floats:
        q_RV = behind(node, rows)
        return np.stack([q_RV, q_RV[:, ::-1]][:turns], axis=1)

    return laws


def behind_nodes(toy: ToyTarget, tables: list[Floats], tokens_BN: Ints) -> Callable[[int, Ints], Floats]:
    """The law behind a node in some rounds; a copy."""

    def behind(node: int, rows: Ints) -> Floats:
        found: Floats = tables[toy.shape.depths[node]][toy.shape.prefixes(tokens_BN[rows])[:, node]]
        return found

    return behind


def walked(toy: ToyTarget, tokens_BN: Ints, last_B: Ints, bonus_B: Ints) -> tuple[Ints, Ints]:
    """See `play`."""
    shape, rows = toy.shape, np.arange(len(tokens_BN))
    lengths = shape.depths[last_B] + 1
    committed = np.zeros((len(rows), shape.length), dtype=np.int64)
    committed[rows, lengths - 1] = bonus_B
    at = last_B.copy()
    parents = np.array(shape.parents)
    while (below := at > 0).any():
        committed[rows[below], shape.depths[at[below]] - 1] = tokens_BN[rows[below], at[below]]
        at[below] = parents[at[below]]
    return committed, lengths


def law_deviation(rule: Rule, sampling: Sampling) -> float:
    """The largest difference between the probability of a text and what the target gives it, every branch enumerated.

    In fp64 on the small toy; the target's law is computed a second time, in numpy.
    """
    return max(_deviation(turns, sampling) for turns in TURNS[rule])


def _deviation(turns: int, sampling: Sampling) -> float:
    """See `law_deviation`; of candidates drawn from so many laws behind each node, 0 for those that are given."""
    toy = ToyTarget(sampling, SMALL)
    tables, shape = Tables.in_double(toy, sampling), SMALL

    def one_round(branches: Branches) -> tuple[int, ...]:
        tokens = np.array([shape.tokens])
        if not turns:
            behind = behind_nodes(toy, tables.target, tokens)
            found = verify(
                lambda node, rows: branches.draws(rows, int(shape.depths[node]), behind(node, rows)),
                tokens,
                shape.children,
            )
        else:
            for node, children in enumerate(shape.children):
                (left,) = laws_of_draft(toy, tables, tokens, turns)(node, np.arange(1))
                for place, child in enumerate(children):
                    law_V = left[place % turns]
                    tokens[0, child] = branches.choose(law_V / law_V.sum())
                    left[:, tokens[0, child]] = 0
            found = drawn_round(toy, tables, tokens, branches, turns)
        committed, lengths = walked(toy, tokens, *found)
        return tuple(committed[0, : lengths[0]].tolist())

    outcomes = law(one_round)
    texts = np.zeros((len(outcomes), shape.length), dtype=np.int64)
    for row, tokens in zip(texts, outcomes, strict=True):
        row[: len(tokens)] = tokens
    weights = np.array(list(outcomes.values()))
    lengths = np.array([len(tokens) for tokens in outcomes])
    return float(np.abs(toy.completed(texts, lengths, weights) - toy.exact).max())
