"""Two trees run in turn: small ones, made here, whose blocks only spin."""

import json
import os
import random
import re

import pytest

from tests.gates import paired_run
from tests.gates.conductor import _stay_on_one_core
from tests.gates.paired_run import complaints_about, listed, run, why_not
from tests.gates.paired_times import compare

TREE = """
import time
import offbook

def spin():
    until = time.process_time() + {ms} / 1000
    while time.process_time() < until:
        pass
    return {units}

SIZES = {sizes}

def prepare_all(folder):
    return dict.fromkeys(SIZES, spin)
"""


def tree(root, *, ms=2.0, units=1, sizes=None, workloads=TREE):
    (root / "tests/gates").mkdir(parents=True)
    (root / "src/offbook").mkdir(parents=True)
    (root / "src/offbook/__init__.py").write_text("")
    if workloads:
        text = workloads.format(ms=ms, units=units, sizes=sizes or {"one": 1, "two": 2})
        (root / "tests/gates/workloads.py").write_text(text)
    return root


def pair(ours, theirs, names=("one", "two"), **options):
    return run(theirs, names, clusters=2, quads=6, root=ours, libraries=(), **options)


def test_a_tree_that_takes_longer_is_seen(tmp_path):
    found = pair(tree(tmp_path / "ours", ms=3.0), tree(tmp_path / "theirs"))
    assert {name: 1.3 < compare(logs["processor"]).ratio < 1.7 for name, logs in found.log_ratios.items()} == {
        "one": True,
        "two": True,
    }
    assert len(found.seconds["one"]) == 2 * 6 * 2


def test_busy_work_that_is_asked_for_is_seen(tmp_path):
    found = pair(tree(tmp_path / "ours"), tree(tmp_path / "theirs"), slowdown=1.5)
    assert 1.3 < compare(found.log_ratios["one"]["processor"]).ratio < 1.7


def test_a_base_without_workloads_leaves_nothing_measured(tmp_path):
    found = pair(tree(tmp_path / "ours"), tree(tmp_path / "theirs", workloads=None))
    assert found.log_ratios == {}
    assert why_not("one", *found.sizes) == "the base revision has no such gate"


def test_a_name_that_the_base_lacks_is_not_measured_the_others_are(tmp_path):
    found = pair(tree(tmp_path / "ours"), tree(tmp_path / "theirs", sizes={"one": 1}))
    assert list(found.log_ratios) == ["one"]
    assert why_not("two", *found.sizes) == "the base revision has no such gate"
    assert why_not("one", *found.sizes) is None


def test_other_sizes_are_not_compared(tmp_path):
    found = pair(tree(tmp_path / "ours"), tree(tmp_path / "theirs", sizes={"one": 5, "two": 2}))
    assert list(found.log_ratios) == ["two"]
    assert why_not("one", *found.sizes) == "the base revision's is of other sizes, 5; here they are 1"


def test_unequal_work_is_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="expected equal work in both trees"):
        pair(tree(tmp_path / "ours", units=2), tree(tmp_path / "theirs"))


def test_a_worker_that_fails_is_an_error_with_its_own_words(tmp_path):
    with pytest.raises(RuntimeError, match="NameError: name 'no_such'"):
        pair(tree(tmp_path / "ours", ms="no_such"), tree(tmp_path / "theirs"))


def test_an_import_that_fails_in_a_base_with_workloads_is_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="No module named 'no_such'"):
        pair(tree(tmp_path / "ours"), tree(tmp_path / "theirs", workloads="import no_such"))


def test_a_package_of_another_tree_is_an_error(tmp_path):
    theirs = tree(tmp_path / "theirs")
    (theirs / "src/offbook/__init__.py").unlink()
    (theirs / "src/offbook").rmdir()
    (theirs / "tests/gates/workloads.py").write_text(
        f"import sys\nsys.path.insert(0, {str(tmp_path / 'ours/src')!r})" + TREE.format(ms=1, units=1, sizes={"one": 1})
    )
    with pytest.raises(RuntimeError, match="is not of"):
        pair(tree(tmp_path / "ours"), theirs)


def test_a_workload_that_is_not_listed_is_told():
    sizes = dict.fromkeys([*listed(), "extra"], 1)
    assert complaints_about(sizes, sizes) == ["extra: a workload that time_gates.json does not list; write it there"]


SIZES = dict.fromkeys(listed(), 1)
FIRST, *REST = listed()


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [
        (
            SIZES,
            {name: 1 for name in REST},
            f'{FIRST}: without a baseline, for the base revision has no such gate; .*write {{"{FIRST}": null}} under',
        ),
        (
            SIZES,
            SIZES | {FIRST: 5},
            f'{FIRST}: without a baseline, for .* of other sizes, 5; here they are 1; .*write {{"{FIRST}": 5}} under',
        ),
        (SIZES, SIZES | {"old": 1}, "old: the base revision times it and this tree does not; .*write it under gone"),
    ],
    ids=["new or renamed", "resized", "gone"],
)
def test_a_gate_that_compares_with_nothing_is_told(ours, theirs, told):
    (found,) = complaints_about(ours, theirs)
    assert re.match(told, found)


def test_what_is_written_down_as_meant_is_not_told(tmp_path, monkeypatch):
    written = {"gates": listed(), "without_baseline": {FIRST: 5}, "gone": ["old"]}
    monkeypatch.setattr(paired_run, "NAMES", tmp_path / "time_gates.json")
    paired_run.NAMES.write_text(json.dumps(written))
    assert complaints_about(SIZES, SIZES | {FIRST: 5, "old": 1}) == []
    assert len(complaints_about(SIZES, SIZES | {FIRST: 6})) == 1, "as another base has it"


def test_a_base_without_time_gates_has_no_baseline_for_any():
    assert complaints_about(SIZES, {}) == []


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no process to a core")
def test_workers_of_a_run_share_a_core(monkeypatch):
    bound = []
    monkeypatch.setattr(os, "sched_setaffinity", lambda pid, cores: bound.append((pid, cores)))
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5})
    for seed in range(20):
        _stay_on_one_core(random.Random(seed))
    assert {pid for pid, _ in bound} == {0}
    assert sorted({tuple(cores) for _, cores in bound}) == [(3,), (5,)]
