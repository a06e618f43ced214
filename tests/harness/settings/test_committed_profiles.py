"""Profiles whose records lie in one store, results/: each cell of theirs is of one of them."""

import functools
import itertools
import json

import pytest

from offbook.engine.decoding.layouts.names import AUTO
from offbook.harness.matrix.plan import plan
from offbook.harness.settings.profiles import load_profile

COMMITTED = ("assistants", "board", "drafters", "laptop")


@functools.cache
def cells(name: str) -> frozenset[str]:
    """What decides each cell of a profile, on a machine where `auto` is prepacked."""
    found = set()
    for heat in plan(load_profile(name)[1]).of_kind("heat"):
        asked = {field: value for field, value in heat.spec.items() if field != "arms"}
        for arm in heat.spec["arms"]:
            layout = "prepacked" if arm["layout"] == AUTO else arm["layout"]
            found.add(json.dumps([asked, arm | {"layout": layout}], sort_keys=True))
    return frozenset(found)


@pytest.mark.parametrize(("one", "other"), itertools.combinations(COMMITTED, 2))
def test_no_two_profiles_measure_the_same_cell(one: str, other: str) -> None:
    """A store has one record a cell, and a heat is kept or replaced as a whole."""
    assert not cells(one) & cells(other), "give one of them another seed"
