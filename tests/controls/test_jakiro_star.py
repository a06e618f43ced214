"""The released sampler of decoupled heads does not keep the target's law, and a certificate of its draws says so."""

import numpy as np
import pytest

from offbook.harness.certificates.sampling import of_draws
from offbook.harness.certificates.toy_target import SMALL
from offbook.harness.records.certificate import Certificate
from tests.controls.jakiro_star import FAULTS, said, two_heads
from tests.controls.samplers import Round, largest_deviation
from tests.controls.test_samplers import SEEN


def test_two_heads_under_one_softmax_are_exact_where_the_numbers_are_those_that_were_drawn_from():
    assert largest_deviation(two_heads()) < 1e-12


@pytest.mark.parametrize("fault", FAULTS)
def test_each_of_its_numbers_changes_the_law(fault):
    assert largest_deviation(two_heads([fault])) > SEEN


def test_as_it_was_released_it_is_far_from_the_targets_law():
    assert largest_deviation(two_heads(FAULTS)) > 10 * SEEN


def certificate(play: Round, n: int = 20_000) -> Certificate:
    """What certificates find of real draws, the target continuing what each round commits."""
    game, texts, lengths = said(play, n=n, seed=1)
    estimate = game.toy.completed(texts, lengths)
    game.toy.continue_all(texts, lengths, np.random.default_rng(2))
    return of_draws(texts, estimate, game.toy.exact, vocabulary=SMALL.vocabulary)


def test_the_certificate_rejects_the_released_sampler_and_passes_the_right_one():
    assert certificate(two_heads()).verdict == "lossless"
    released = certificate(two_heads(FAULTS))
    assert released.verdict == "differs"
    assert (released.tv or 0.0) > 0.02, "and not by a hair"
