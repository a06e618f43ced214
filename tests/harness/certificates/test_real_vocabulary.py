"""Tokens against the laws behind them: right ones pass, faults that move mass between candidates and others show."""

import numpy as np
import pytest

from offbook.harness.certificates.real_vocabulary import (
    CANDIDATES,
    MOST_CELLS,
    Cells,
    cells_of_candidates,
    cells_of_law,
)
from offbook.harness.certificates.sampling import ALPHA

V = 3_000


def laws(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    logits = rng.normal(size=V) * 3
    p, q = np.exp(logits), np.exp(0.8 * logits + rng.normal(size=V))
    return p / p.sum(), q / q.sum()


def cells_told(n: int, say, *, drawn: bool = True) -> Cells:
    cells, rng = Cells(MOST_CELLS), np.random.default_rng(0)
    for _ in range(n):
        p, q = laws(rng)
        candidates = np.argsort(-q)[:6].tolist()
        where = cells_of_law(p, q) if drawn else cells_of_candidates(p, candidates)
        cells.add(p, where, say(rng, p, q, candidates))
    return cells


def right(rng, p, q, candidates) -> int:
    return int(rng.choice(V, p=p))


def residual_of_the_whole_law(rng, p, q, candidates) -> int:
    """One drawn candidate; the bonus token behind a rejection comes from p itself."""
    token = int(rng.choice(V, p=q))
    return token if rng.random() < min(1.0, p[token] / q[token]) else int(rng.choice(V, p=p))


def speculative(rng, p, q, candidates) -> int:
    token = int(rng.choice(V, p=q))
    left = np.maximum(0, p - q)
    return token if rng.random() < min(1.0, p[token] / q[token]) else int(rng.choice(V, p=left / left.sum()))


def eager(rng, p, q, candidates) -> int:
    """The first candidate is accepted without a question once in five times."""
    return candidates[0] if rng.random() < 0.2 else int(rng.choice(V, p=p))


@pytest.mark.parametrize(("say", "drawn"), [(right, True), (right, False), (speculative, True)])
def test_what_follows_its_law_passes(say, drawn):
    cells = cells_told(3_000, say, drawn=drawn)
    assert cells.p_value() > 1e-4
    assert cells.degrees >= 6
    assert 0.01 < cells.found_move(ALPHA) < 0.5


@pytest.mark.parametrize(("say", "drawn"), [(residual_of_the_whole_law, True), (eager, False)])
def test_what_does_not_is_found(say, drawn):
    assert cells_told(3_000, say, drawn=drawn).p_value() < ALPHA


def test_p_values_are_not_crowded_at_zero():
    found = []
    for seed in range(40):
        cells, rng = Cells(MOST_CELLS), np.random.default_rng(seed)
        for _ in range(150):
            p, q = laws(rng)
            cells.add(p, cells_of_law(p, q), right(rng, p, q, []))
        found.append(cells.p_value())
    assert min(found) > 1e-4
    assert 0.25 < np.median(found) < 0.75


def test_one_impossible_token_is_enough():
    cells = cells_told(200, right)
    p = np.zeros(V)
    p[:2] = 0.5
    cells.add(p, cells_of_law(p, p), 7)
    assert cells.p_value() == 0.0


def test_one_token_of_a_cell_in_which_a_hundredth_was_expected_is_no_fault():
    """Once in a hundred times that is chance; such cells are judged together with others."""
    cells, law = Cells(3), np.array([0.5, 0.49999, 0.00001])
    for said in (*[0, 1] * 500, 2):
        cells.add(law, np.arange(3), said)
    assert cells.p_value() > 0.01
    for _ in range(200):
        cells.add(law, np.arange(3), 1)
    assert cells.p_value() < 1e-4, "what is not rare still shows"


def test_cells_that_are_all_rare_say_nothing():
    cells = Cells(2)
    cells.add(np.array([0.001, 0.999]), np.arange(2), 0)
    assert cells.p_value() > 0.01


def test_a_move_of_the_size_that_is_told_is_found():
    cells = cells_told(3_000, right, drawn=False)
    move, rng, found = cells.found_move(ALPHA), np.random.default_rng(9), 0

    def moved(_, p, q, candidates):
        """So much of all mass goes from the tail to the first candidate, as far as there is so much."""
        return candidates[0] if rng.random() < 2 * move else int(rng.choice(V, p=p))

    for _ in range(3):
        found += cells_told(3_000, moved, drawn=False).p_value() < ALPHA
    assert found == 3


def test_cells_are_by_candidate_then_by_rank():
    p = np.array([0.4, 0.3, 0.1, 0.08, 0.05, 0.04, 0.03])
    cells = cells_of_candidates(p, [3, 1])
    assert (cells[3], cells[1]) == (0, 1)
    assert cells[0] == CANDIDATES + 1
    assert cells.max() < MOST_CELLS
    assert [*cells_of_law(p, np.array([0.5, 0.5, 0, 0, 0, 0, 0]))] == [0, 2, 9, 9, 9, 9, 9]
