"""A group of somebody's tasks is asked as lm-eval asks it: with what the group sets for its members."""

import json
import re

import pytest
from lm_eval.tasks import TaskManager

from offbook.harness.suites.suite import find_suites
from offbook.tasks.blame import TaskError
from tests.harness.suites.test_task_mistakes import GOOD, ROWS, evaluate, write

OTHERWISE = {"num_fewshot": 2, "fewshot_split": "test", "generation_kwargs": {"until": ["\n"], "max_gen_toks": 7}}


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "tasks", GOOD, rows=ROWS)


def group(folder, members, *, name: str = "gg", **settings) -> None:
    (folder / f"{name}.yaml").write_text(json.dumps({"group": name, "task": members} | settings))


def asked(folder, *names: str) -> dict:
    """By suite: number of examples and cap."""
    found = {}
    for suite in find_suites(names, include_path=folder):
        task = suite.task()
        found[suite.name] = (task.get_config("num_fewshot"), task.config.generation_kwargs["max_gen_toks"])
    return found


GROUPS = {
    "of the member": ([{"task": "mine"} | OTHERWISE], {}, ["gg::mine"]),
    "of the group": (["mine"], OTHERWISE, ["gg::mine"]),
    "of a group around a group": ([{"group": "inner", "task": ["mine"]} | OTHERWISE], {}, ["gg::mine"]),
    "of a group in the index": ([{"group": "hh"} | OTHERWISE], {}, ["gg::mine"]),
    "of a task defined inside": (
        [{"task": "inl"} | {k: v for k, v in GOOD.items() if k != "task"} | OTHERWISE],
        {},
        [],
    ),
}


@pytest.mark.parametrize("case", GROUPS)
def test_what_a_group_sets_for_its_members_is_what_they_are_asked_with(case, folder):
    members, settings, names = GROUPS[case]
    if not names:
        members[0]["dataset_kwargs"] = {"data_files": {"test": str(folder / "data.jsonl")}}
        names = ["gg::inl"]
    group(folder, ["mine"], name="hh")
    group(folder, members, **settings)
    assert asked(folder, "gg") == {name: (2, 7) for name in names}
    theirs = TaskManager(include_path=str(folder), include_defaults=False).load("gg")["tasks"]
    assert [(t.get_config("num_fewshot"), t.config.generation_kwargs["max_gen_toks"]) for t in theirs.values()] == [
        (2, 7)
    ]


def test_a_member_asked_otherwise_is_never_taken_for_the_task_itself(folder, tiny_folder, tmp_path):
    group(folder, [{"task": "mine"} | OTHERWISE])
    assert asked(folder, "mine", "gg") == {"mine": (0, 4), "gg::mine": (2, 7)}
    assert evaluate(tiny_folder, folder, tmp_path / "out", "--no-chat-template", suite="mine,gg") == 0
    cells = [json.loads(path.read_text())["spec"] for path in (tmp_path / "out" / "records").glob("*.json")]
    assert {cell["suite"]: cell["limits"]["max_new_tokens"] for cell in cells} == {"mine": 4, "gg::mine": 7}
    assert len({cell["suite_fingerprint"] for cell in cells}) == 2


@pytest.mark.parametrize("members", [["mine"], [{"task": "mine"}], [{"task": "mine", "task_alias": "ours"}]])
def test_a_group_that_sets_nothing_stands_for_its_tasks(members, folder):
    group(folder, members, aggregate_metric_list=[{"metric": "exact_match"}], metadata={"version": 1})
    assert asked(folder, "gg") == {"mine": (0, 4)}


def test_a_member_defined_inside_a_group_is_measured(folder, tiny_folder, tmp_path):
    inline = GOOD | {"task": "inl", "dataset_kwargs": {"data_files": {"test": str(folder / "data.jsonl")}}}
    group(folder, ["mine", inline])
    assert evaluate(tiny_folder, folder, tmp_path / "out", suite="gg") == 0
    records = (tmp_path / "out" / "records").glob("*.json")
    assert {json.loads(path.read_text())["spec"]["suite"] for path in records} == {"mine", "gg::inl"}


REFUSED = {
    "no members": ([], "the group has no members"),
    "nothing": (None, "the group has no members"),
    "a name instead of a list": ("mine", "its members are 'mine', expected a list"),
    "a member that is missing": (["mine", "nope"], "its member 'nope' is no task"),
    "a member with settings that is missing": ([{"task": "nope", "num_fewshot": 1}], "its member 'nope' is no task"),
    "a number": ([5], "its member 5 is no task"),
    "a member of a member that is missing": (["sub"], "its group 'sub': the member 'nope' is no task"),
    "a group of the index defined again": (
        [{"group": "two", "task": ["mine"]}],
        "its group 'two': the member 'mine' is named ['mine'], which is no name",
    ),
    "itself": (["mine", "gg"], "the group 'gg' is a member of itself"),
    "a member twice": (
        ["mine", {"task": "mine", "num_fewshot": 1}],
        "its member 'mine' stands in it twice with different settings",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_group_with_a_mistake_is_told_by_its_file(case, folder, tiny_folder, tmp_path, capsys):
    members, complaint = REFUSED[case]
    group(folder, ["nope"], name="sub")
    group(folder, ["mine"], name="two")
    group(folder, members)
    assert evaluate(tiny_folder, folder, tmp_path / "out", suite="gg") == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.match(r"offbook: error: suite 'gg': expected lm-eval to build it, got LookupError: ", last), last
    assert complaint in last
    assert last.endswith(f"; mend {folder / 'gg.yaml'}")


@pytest.mark.parametrize("shots", [-1, True, "2"])
def test_a_number_of_examples_that_a_group_sets_and_is_none_is_blamed_on_the_group(shots, folder):
    group(folder, [{"group": "inner", "task": [{"task": "mine", "num_fewshot": shots}]}])
    with pytest.raises(TaskError, match=r"suite 'mine': expected num_fewshot .*; mend .*gg\.yaml"):
        find_suites(["gg"], include_path=folder)
