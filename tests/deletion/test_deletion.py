"""Each contender could be deleted without touching the rest; `nox -s deletion` deletes each and runs the rest."""

import re
from pathlib import Path

import pytest

from tests.deletion.contenders import NEEDED, ROSTERS, askers, entrants, importers, naming_tests, without

ROOT = Path(__file__).parents[2]
ENTRANTS = entrants(ROOT)
KNOWN = [name for entrant in ENTRANTS for name in entrant.names]


@pytest.mark.parametrize("entrant", ENTRANTS, ids=lambda entrant: entrant.path.stem)
def test_nobody_names_a_contenders_module_but_the_roster(entrant):
    assert set(importers(ROOT, entrant)) <= set(ROSTERS)


@pytest.mark.parametrize("entrant", ENTRANTS, ids=lambda entrant: entrant.path.stem)
def test_nobody_asks_for_a_contender_by_name_but_the_roster(entrant):
    assert [place for place in askers(ROOT, entrant) if place not in ROSTERS] == []


def test_every_contender_of_the_roster_has_a_place():
    from offbook.harness.roster.decoders import DECODERS
    from offbook.harness.roster.distillers import DISTILLERS

    assert {NEEDED, *KNOWN} == {*DECODERS, *DISTILLERS}
    assert len({*DECODERS} & {*DISTILLERS}) == 0


@pytest.mark.parametrize("entrant", ENTRANTS, ids=lambda entrant: entrant.path.stem)
def test_a_roster_without_a_contender_has_all_others(entrant):
    left = set()
    for place, table in ROSTERS.items():
        source = without((ROOT / place).read_text(encoding="utf-8"), table, entrant.names)
        assert not re.search(rf"{re.escape(entrant.module)}\b", source)
        module = {"__name__": "offbook." + place.removesuffix(".py").replace("/", ".")}
        exec(compile(source, place, "exec", dont_inherit=True), module)
        found = module[table]
        left |= {*found} if isinstance(found, dict) else {method.name for method in found}
    assert left == {NEEDED, *KNOWN} - set(entrant.names)


def test_tests_of_a_contender_go_with_it_and_others_stay():
    (mind,) = (entrant for entrant in ENTRANTS if entrant.names == ("mind",))
    named = naming_tests(ROOT, mind)
    assert {path.stem for path in (ROOT / "tests").rglob("test_mind_*.py")} <= {path.stem for path in named}
    assert not {Path("tests/tiny.py"), Path("tests/harness/matrix/test_graph.py")} & named


@pytest.mark.parametrize("entrant", ENTRANTS, ids=lambda entrant: entrant.path.stem)
def test_fixtures_of_all_tests_stay(entrant):
    assert not [path for path in naming_tests(ROOT, entrant) if path.name == "conftest.py"]
