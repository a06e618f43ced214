import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

import offbook
from offbook.engine.students.distiller import Options
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.distillers import DISTILLERS, StudentMethod, distiller, distillers
from offbook.harness.settings.profiles import load_profile, profile_names


class Point:
    """An entry point."""

    def __init__(self, found: object) -> None:
        self.name, self.value, self.found = "them", "them:METHOD", found

    def load(self) -> object:
        return self.found


def test_every_method_stands_under_its_own_name_and_has_settings_that_can_be_left_out():
    for name, method in DISTILLERS.items():
        assert method.name == name
        assert issubclass(method.settings(), Options)
        with pytest.raises(ValueError, match="settings are"):
            method.resolved({"no_such_setting": 1})


def test_importing_the_roster_imports_no_heavy_library():
    code = (
        "import sys, offbook.harness.roster.distillers; print({'torch', 'transformers', 'lm_eval'} & set(sys.modules))"
    )
    environ = os.environ | {"PYTHONPATH": str(Path(offbook.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
    assert done.stdout.strip() == "set()"


def test_an_unknown_method_is_told_the_nearest_one():
    with pytest.raises(ValueError, match=r"no distillation method 'mindd' \(did you mean mind\?\)"):
        distiller("mindd")


def test_other_distributions_add_methods_and_take_no_name_twice(monkeypatch):
    theirs = StudentMethod(name="theirs", summary="", settings=lambda: Options, distil=lambda job, vectors: job.folder)

    def offer(*found: object) -> None:
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: [Point(f) for f in found])

    offer(theirs)
    assert distillers()["theirs"] is theirs
    offer(theirs, theirs)
    with pytest.raises(ValueError, match="the name 'theirs' is taken"):
        distillers()
    offer(object())
    with pytest.raises(ValueError, match="expected a StudentMethod, got object"):
        distillers()


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_names_methods_and_settings_that_exist(name):
    for student in load_profile(name)[1].students.values():
        distiller(student.method).resolved(student.options)


def test_a_drafter_that_a_training_gives_is_one_that_a_decoder_has():
    given = {method.name: contender(method.drafter) for method in DISTILLERS.values() if method.drafter is not None}
    assert {name: chosen.name for name, chosen in given.items()} == {"medusa2": "medusa"}
    assert all(chosen.architecture is not None and chosen.drafter_of is None for chosen in given.values())
