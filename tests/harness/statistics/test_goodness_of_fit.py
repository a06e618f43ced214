"""The bound holds whatever is drawn from, the p-value is one, and cells are numbered by their first token first."""

import numpy as np
import pytest
import torch

from offbook.harness.statistics.goodness_of_fit import cell_numbers, goodness_of_fit, total_variation

CELLS, N = 64, 500


def law(seed: int, *, away: float = 0.0) -> np.ndarray:
    """A distribution over `CELLS`, moved from that of seed 0 towards another by a share."""
    p, other = (np.random.default_rng(s).dirichlet(np.full(CELLS, 0.3)) for s in (0, seed))
    return np.asarray((1 - away) * p + away * other)


@pytest.mark.parametrize("away", [0.0, 0.02, 0.1, 0.5, 1.0])
def test_the_bound_is_above_the_true_total_variation_and_not_far(away: float) -> None:
    p, q = law(0), law(1, away=away)
    true = 0.5 * np.abs(p - q).sum()
    draws = np.random.default_rng(2).multinomial(N, q, size=500)
    bounds = [total_variation(counts / N, p, n=N)[1] for counts in draws]
    assert np.mean(np.array(bounds) >= true) > 0.995
    assert np.median(bounds) < true + 0.2


def test_the_bound_shrinks_with_the_draws_and_is_no_more_than_one() -> None:
    p = law(0)
    few, many = (total_variation(p, p, n=n) for n in (10, 1000))
    assert few[0] == many[0] == 0.0
    assert 0 < many[1] < few[1] < 1
    assert total_variation(np.eye(CELLS)[0], np.eye(CELLS)[1], n=10) == (1.0, 1.0)


def test_p_values_of_the_right_distribution_are_spread_and_of_a_wrong_one_are_not() -> None:
    p, q = law(0), law(1, away=0.3)
    rng = np.random.default_rng(3)
    shape = (4, 4, 4)
    right, wrong = (
        [
            goodness_of_fit(np.stack(np.unravel_index(rng.choice(CELLS, N, p=drawn), shape), axis=1), p, vocabulary=4)
            for _ in range(60)
        ]
        for drawn in (p, q)
    )
    assert min(right) > 1e-4
    assert float(np.median(right)) > 0.2
    assert max(wrong) < 1e-3


def test_one_impossible_sequence_is_enough() -> None:
    exact = np.array([0.5, 0.5, 0.0, 0.0])
    possible = np.array([[0, 0], [0, 1]] * 500)
    assert goodness_of_fit(possible, exact, vocabulary=2) > 0.1
    assert goodness_of_fit(np.vstack([possible, [[1, 0]]]), exact, vocabulary=2) == 0.0


def test_cells_are_numbered_as_the_probabilities_are() -> None:
    sequences = torch.cartesian_prod(*[torch.arange(3)] * 4).numpy()
    assert cell_numbers(sequences, vocabulary=3).tolist() == list(range(81))
