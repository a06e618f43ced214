"""Runs of the profiles whose records are committed lie in one store: a cell in one heat, a recipe trained once."""

import json
from collections.abc import Iterator
from itertools import combinations

import pytest

from offbook.harness.matrix.plan import plan
from offbook.harness.roster.decoders import contender
from offbook.harness.settings.matrix import NONE, Matrix
from offbook.harness.settings.profiles import load_profile

COMMITTED = ("assistants", "board", "drafters", "laptop")
Cell = tuple[object, ...]


def cells(matrix: Matrix) -> Iterator[Cell]:
    """What decides a cell whose decoder brings neither trained weights nor what a machine's costs have chosen."""
    for entry, spec in matrix.decoders.items():
        chosen = contender(spec.decoder or entry)
        if chosen.architecture is not None or spec.controller != NONE:
            continue
        layout, options = chosen.layout or spec.layout or matrix.layout, json.dumps(spec.options, sort_keys=True)
        for suite, asked in matrix.suites.items():
            for drawn in matrix.temperatures:
                documents = min(limit for limit in (asked.limit, drawn.limit, 10**6) if limit is not None)
                for seed in matrix.seeds:
                    asks = (suite, documents, asked.max_new_tokens, drawn.temperature, seed)
                    yield (*matrix.models, chosen.name, options, layout, *asks)


@pytest.mark.parametrize(("one", "other"), [*combinations(COMMITTED, 2)])
def test_no_two_of_them_measure_the_same_cell(one: str, other: str) -> None:
    both = {*cells(load_profile(one)[1])} & {*cells(load_profile(other)[1])}
    assert not both, "give one of the two another seed"


def test_plain_decoding_is_among_the_cells_of_each() -> None:
    for name in COMMITTED:
        assert "autoregressive" in {cell[1] for cell in cells(load_profile(name)[1])}


def trained(name: str) -> set[str]:
    """The recipes of drafters whose weights another training would not give again, as counts are."""
    drafters = plan(load_profile(name)[1]).of_kind("drafter")
    return {stage.key for stage in drafters if not contender(stage.spec["decoder"]).counted}


@pytest.mark.parametrize(("one", "other"), [*combinations(COMMITTED, 2)])
def test_no_two_of_them_train_the_same_drafter(one: str, other: str) -> None:
    """No table is made of one recipe with two weights."""
    assert not trained(one) & trained(other), "give one of the two another seed of training"
