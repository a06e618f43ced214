"""Answers of others against the target's laws: what rounding moves over a filter's bound is no impossible token."""

from types import SimpleNamespace

import pytest
import torch

from offbook.engine.decoding.sampling import Sampling
from offbook.harness.certificates.from_outside import add_answer
from offbook.harness.certificates.real_vocabulary import MOST_CELLS, Cells


def target(logits: list[float], dtype: torch.dtype = torch.float32):
    """One that finds these logits behind every text."""

    class Backbone:
        embedding_VH = torch.zeros(len(logits), 1, dtype=dtype)

        def use_tree_attention(self) -> None:
            pass

        def new_cache(self, capacity: int) -> None:
            pass

        def extend(self, tokens: torch.Tensor, cache: None, *, logits_for: int) -> SimpleNamespace:
            return SimpleNamespace(logits_NV=torch.tensor(logits).expand(logits_for, -1))

    return SimpleNamespace(backbone=Backbone(), device=torch.device("cpu"))


@pytest.mark.parametrize(
    ("sampling", "third", "impossible"),
    [
        (Sampling(temperature=1.0, top_k=2), 0.99999, 0),
        (Sampling(temperature=1.0, top_k=2), 0.99, 1),
    ],
    ids=["a near third of two", "a far third of two"],
)
def test_a_token_that_rounding_keeps_from_the_likeliest_is_possible(sampling, third, impossible):
    cells = Cells(MOST_CELLS)
    add_answer(cells, target([2.0, 1.0, third, 0.0]), [0, 1], [0, 2], sampling)
    assert (cells.tokens, cells.impossible) == (2, impossible)


@pytest.mark.parametrize(("top_p", "impossible"), [(0.6439, 0), (0.6, 1)])
def test_a_token_that_rounding_keeps_from_the_nucleus_is_possible(top_p, impossible):
    cells = Cells(MOST_CELLS)
    logits = [1.0, 0.0, -1.0, -2.0]  # of the first token 0.643914 of the mass
    add_answer(cells, target(logits), [0], [1], Sampling(temperature=1.0, top_p=top_p))
    assert (cells.tokens, cells.impossible) == (1, impossible)


def test_of_half_precision_rounding_moves_more():
    cells = Cells(MOST_CELLS)
    add_answer(cells, target([2.0, 1.0, 0.9, 0.0], torch.bfloat16), [0], [2], Sampling(temperature=1.0, top_k=2))
    assert cells.impossible == 0
