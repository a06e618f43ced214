"""Proofs that hang on no contender: the law of both rules, their real draws, faults in samplers, the loop."""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any
from unittest.mock import patch

import numpy as np
import scipy.stats
import torch

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.verify import new_seeds
from offbook.harness.certificates import verifiers
from offbook.harness.certificates.loop import loop_certificate
from offbook.harness.certificates.sampling import ALPHA
from offbook.harness.certificates.told import EXACT, settings_of
from offbook.harness.certificates.toy_target import ToyTarget
from offbook.harness.certificates.verifiers import RULES, Rule, Tables, law_deviation, play, verifier_certificate
from offbook.harness.records.certificate import Certificate
from offbook.harness.statistics.goodness_of_fit import cell_numbers
from tests.controls.jakiro_star import FAULTS, two_heads
from tests.controls.lengths import WRONG
from tests.controls.samplers import DRAWN_FAULTS, GIVEN_FAULTS, Round, drawn, given, judged

Line = dict[str, Any]
Case = tuple[str, Callable[[], Line]]
SEEN = 1e-3  # of a probability: more than this is a fault that shows in a law
SURE = 0.99  # that draws show it
SETTINGS = [
    Sampling(temperature=temperature, top_p=top_p, top_k=top_k)
    for temperature, top_p, top_k in product((0.5, 1.0, 1.5), (1.0, 0.8), (0, 3))
]
OF_LOOPS = (
    Sampling(temperature=0.5),
    Sampling(temperature=1.0),
    Sampling(temperature=1.0, top_p=0.8),
    Sampling(temperature=1.5, top_k=3),
    Sampling(temperature=1.5, top_p=0.8, top_k=3),
)
SEEDS, SHORT = 100, 50_000
SEQUENCES = 20_000
CELLS_OF = 3  # tokens: 512 cells


def laws() -> Iterator[Case]:
    """Every branch of both rules, by settings."""
    for rule, sampling in product(RULES, SETTINGS):

        def run(rule: Rule = rule, sampling: Sampling = sampling) -> Line:
            deviation = law_deviation(rule, sampling)
            return {"right": deviation <= EXACT, "deviation": deviation}

        yield f"{rule}, {settings_of(sampling)}", run


def draws() -> Iterator[Case]:
    """A million rounds of both rules, by settings."""
    for rule, sampling in product(RULES, SETTINGS):

        def run(rule: Rule = rule, sampling: Sampling = sampling) -> Line:
            return _line(verifier_certificate(rule, sampling=sampling, seed=2))

        yield f"{rule}, {settings_of(sampling)}", run


def seeds() -> Iterator[Case]:
    """P-values of the joint of three tokens are uniform over seeds."""
    for rule in RULES:

        def run(rule: Rule = rule) -> Line:
            toy = ToyTarget(Sampling(temperature=1.0))
            tables = Tables.as_decoded(toy, Sampling(temperature=1.0))
            found = [_p_value(rule, toy, tables, seed) for seed in range(SEEDS)]
            uniform = float(scipy.stats.kstest(found, "uniform").pvalue)
            return {"right": min(found) > ALPHA and uniform > 1e-3, "smallest": min(found), "uniform_p": uniform}

        yield f"{rule}, {SEEDS} seeds of {SHORT:,} rounds", run


def _p_value(rule: Rule, toy: ToyTarget, tables: Tables, seed: int) -> float:
    committed, lengths = play(rule, toy, tables, torch.Generator().manual_seed(seed), SHORT)
    toy.continue_all(committed, lengths, np.random.default_rng(seed))
    V = toy.shape.vocabulary
    counts = np.bincount(cell_numbers(committed[:, :CELLS_OF], vocabulary=V), minlength=V**CELLS_OF)
    expected = SHORT * toy.exact.reshape(V**CELLS_OF, -1).sum(axis=1)
    large = expected >= 5
    pooled = np.append(counts[large], counts[~large].sum()), np.append(expected[large], expected[~large].sum())
    return float(scipy.stats.chisquare(pooled[0], pooled[1] * pooled[0].sum() / pooled[1].sum()).pvalue)


def faults() -> Iterator[Case]:
    """Samplers with a fault are rejected by their law and by draws, or by draws where random numbers are at fault."""
    tables: tuple[tuple[Mapping[str, str], Callable[[str], Round]], ...] = (
        (DRAWN_FAULTS, drawn),
        (GIVEN_FAULTS, given),
        (dict.fromkeys(WRONG, "a length that hangs on the draw"), lambda rule: drawn(tree=WRONG[rule])),
        ({"two heads under one softmax": "Jakiro* (arXiv:2502.06282), as released"}, lambda _: two_heads(FAULTS)),
    )
    for table, make in tables:
        for fault, source in table.items():

            def run(fault: str = fault, source: str = source, make: Callable[[str], Round] = make) -> Line:
                found = judged(make(fault))
                right = found.deviation > SEEN and found.power > SURE
                return {"right": right, "deviation": found.deviation, "power": found.power, "source": source}

            yield fault, run
    for rule in RULES:

        def reused(rule: Rule = rule) -> Line:
            with patch.object(verifiers, "_seeds", _once_a_round):
                found = verifier_certificate(rule, sampling=Sampling(temperature=1.0), seed=2)
            source = "a generator that is seeded anew for each position"
            return {"right": found.verdict == "differs", "deviation": found.tv or 0.0, "source": source}

        yield f"one number serves all positions, {rule} candidates", reused


def _once_a_round(toy: ToyTarget, generator: torch.Generator, rounds: int) -> Any:
    """Seeds of a verifier of which those of one round are the same; those of candidates are as they should be."""
    return new_seeds(rounds, generator)[:, None].repeat(toy.shape.length, axis=1)


def loops() -> Iterator[Case]:
    """The loop on the small model; of given candidates also those of a drafter that knows the noise of the draws."""
    for (rule, coupled), sampling in product(((RULES[0], False), (RULES[1], False), (RULES[0], True)), OF_LOOPS):

        def run(rule: Rule = rule, coupled: bool = coupled, sampling: Sampling = sampling) -> Line:
            return _line(loop_certificate(rule, sampling=sampling, seed=3, n=SEQUENCES, coupled=coupled))

        yield f"{rule}{' and coupled' if coupled else ''}, {settings_of(sampling)}", run


def _line(found: Certificate) -> Line:
    told = {"n": found.n, "p_value": found.p_value, "tv_bound": found.tv_bound}
    return {"right": found.verdict == "lossless", **told}
