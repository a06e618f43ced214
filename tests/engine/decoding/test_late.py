"""Rounds that are read one round late, and played only where all that they may commit surely fits."""

import random

import pytest
import torch

from offbook.engine.decoding.late import told_late


class Counted:
    """Tells the number of each round and what it commits, in the same memory; `fits` is what they may commit."""

    def __init__(self, most: int, fits: int, seed: int) -> None:
        self.most = most
        self.fits, self.rng = fits, random.Random(seed)
        self.committed: list[int] = []
        self.told = torch.zeros(2, dtype=torch.int64)

    def play(self) -> torch.Tensor:
        self.committed.append(self.rng.randint(1, self.most))
        assert sum(self.committed[:-1]) + self.most <= self.fits, "it might not have fitted"
        self.told.copy_(torch.tensor([len(self.committed), self.committed[-1]]))
        return self.told


@pytest.mark.parametrize("most", [1, 2, 5])
@pytest.mark.parametrize("fits", [0, 1, 4, 5, 9, 10, 40])
def test_all_rounds_are_told_in_order_as_long_as_they_surely_fit(most, fits):
    for seed in range(20):
        rounds, known = Counted(most, fits, seed), []
        for told in told_late(rounds, lambda known=known: fits - sum(count for _, count in known)):
            known.append(tuple(told.tolist()))
        assert known == [*enumerate(rounds.committed, start=1)]
        assert fits - sum(rounds.committed) < most, "another one would have fitted"


def test_a_round_is_told_when_the_next_is_played():
    rounds, behind = Counted(2, 100, 0), []
    told, known = told_late(rounds, lambda: 100 - sum(known)), []
    for _ in range(10):
        known.append(int(next(told)[1]))
        behind.append(len(rounds.committed) - len(known))
    assert behind == [1] * 10


def test_who_has_heard_enough_leaves_one_behind():
    rounds = Counted(1, 50, 0)
    for told in told_late(rounds, lambda: 50):
        if int(told[0]) == 7:
            break
    assert len(rounds.committed) == 8
