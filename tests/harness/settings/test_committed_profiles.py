"""Profiles whose records lie in one store, results/: no two measure one cell, or train one drafter."""

import functools
import itertools
import json

import pytest

from offbook.engine.decoding.layouts.names import AUTO
from offbook.harness.matrix.plan import plan
from offbook.harness.roster.decoders import contender
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


@pytest.mark.parametrize(("one", "other"), itertools.combinations(COMMITTED, 2))
def test_no_two_profiles_train_the_same_drafter(one: str, other: str) -> None:
    """Trained again it has other last bits, and a store takes one training of a recipe; counts are what they were."""
    assert not trained(one) & trained(other), "give one of them another seed of training"


def trained(name: str) -> frozenset[str]:
    drafters = plan(load_profile(name)[1]).of_kind("drafter")
    return frozenset(stage.key for stage in drafters if not contender(stage.spec["decoder"]).counted)
