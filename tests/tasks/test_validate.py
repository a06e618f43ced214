"""Every task of offbook builds, scores and aggregates; a planted broken one is found."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from lm_eval import simple_evaluate
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager

from offbook.tasks import TASKS_PATH
from offbook.tasks.prompts import CATEGORIES, load_prompts
from offbook.tasks.validate import main, validate_tasks

TASKS = tuple(f"offbook_{category}" for category in CATEGORIES)
HEALTHY = (TASKS_PATH / "prompts" / "offbook_maths.yaml").read_text()


@pytest.fixture(scope="module")
def manager() -> Any:
    return TaskManager(include_path=[str(TASKS_PATH)], include_defaults=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(TASKS_PATH / "prompts" / "utils.py", tmp_path)
    (tmp_path / "offbook_maths.yaml").write_text(HEALTHY)
    return tmp_path


class Reader(LM):
    """Answers every prompt with its reference, which it looks up."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def generate_until(self, requests: list[Instance]) -> list[str]:
        self.requests = [request.args for request in requests]
        references = {prompt.asked: prompt.answer for prompt in load_prompts("test")}
        return [references[prompt] for prompt, _ in self.requests]

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        raise NotImplementedError

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        raise NotImplementedError


def test_every_task_of_offbook_is_valid(no_hub: None) -> None:
    assert [finding for finding in validate_tasks() if not finding.skipped] == []


def test_the_procedural_tasks_and_their_groups_are_among_those_validated(tmp_path: Path) -> None:
    folder = shutil.copytree(TASKS_PATH / "procedural", tmp_path / "procedural")
    assert validate_tasks(folder) == []
    planted = {
        "offbook_procedural_dates.yaml": ("family: dates", "family: datse", "got 'datse'; pass one of these"),
        "offbook_procedural_id.yaml": ("procedural_shopping", "procedural_shoping", "offbook_procedural_shoping"),
        "offbook_procedural_swaps.yaml": ("_family.yaml", "_familiy.yaml", "_familiy.yaml"),
    }
    for name, (sound, broken, _) in planted.items():
        text = (folder / name).read_text()
        assert sound in text
        (folder / name).write_text(text.replace(sound, broken))
    findings = {finding.path.name: finding.problem for finding in validate_tasks(folder)}
    for name, (_, _, problem) in planted.items():
        assert problem in findings[name]
    assert set(findings) == {*planted, "offbook_procedural_ood.yaml"}  # the group has two broken members


def test_the_group_holds_all_six_tasks(manager: Any) -> None:
    assert set(manager.load("offbook_prompts")["tasks"]) == set(TASKS)


@pytest.mark.parametrize("name", TASKS)
def test_no_stop_string_cuts_an_answer_short(manager: Any, name: str) -> None:
    generation = manager.load(name)["tasks"][name].config.generation_kwargs
    assert generation["until"] == []
    assert generation["do_sample"] is False


def test_the_references_score_full_marks_through_lm_eval(manager: Any) -> None:
    model = Reader()
    outcome = simple_evaluate(model=model, tasks=["offbook_prompts"], task_manager=manager, bootstrap_iters=0)
    results = outcome["results"]
    assert len(model.requests) == 40 * len(TASKS)
    assert {prompt for prompt, _ in model.requests} == {prompt.asked for prompt in load_prompts("test")}
    for task in ("offbook_maths", "offbook_qa", "offbook_extraction"):
        assert results[task]["acc,none"] == 1.0
    assert results["offbook_summarisation"]["rouge1,none"] == 1.0
    assert results["offbook_code"]["acc,none"] == 0.0  # there is no reference code
    assert results["offbook_chat"]["answered,none"] == 0.0


def test_a_healthy_copy_of_a_task_is_valid(folder: Path) -> None:
    assert validate_tasks(folder) == []


@pytest.mark.parametrize(
    ("yaml", "problem"),
    [
        ("task: [unclosed", "ParserError"),
        ("dataset_path: json", "Unknown config shape"),
        (HEALTHY.replace("utils.load_maths", "utils.load_mths"), "load_mths"),
        (HEALTHY.replace("{{prompt}}", "{{promt}}"), "'promt' is undefined"),
        (HEALTHY.replace("{{prompt}}", " "), "empty prompt"),
        (HEALTHY.replace("test_split: test", "test_split: tst"), "tst"),
        (HEALTHY.replace("metric: acc", "metric: accuracy"), "without its metric accuracy"),
        (HEALTHY.replace("offbook_maths", "offbook_broken") + "surprise: 1\n", "surprise"),
        ("group: offbook_broken\ntask: [offbook_maths, offbook_unknown]\n", "offbook_unknown"),
        ("include: _nowhere.yaml\ntask: offbook_broken\n", "_nowhere.yaml"),
    ],
)
def test_a_planted_broken_task_file_is_found(folder: Path, yaml: str, problem: str) -> None:
    (folder / "broken.yaml").write_text(yaml.replace("task: offbook_maths", "task: offbook_broken"))
    (finding,) = validate_tasks(folder)
    assert finding.path.name == "broken.yaml"
    assert problem in finding.problem
    assert "\n" not in str(finding)


def test_a_name_used_twice_is_found(folder: Path) -> None:
    (folder / "second.yaml").write_text(HEALTHY)
    (finding,) = validate_tasks(folder)
    assert finding.path.name == "second.yaml"
    assert "hides this file" in finding.problem


def test_parts_for_inclusion_are_not_tasks(folder: Path) -> None:
    (folder / "_common.yaml").write_text("num_fewshot: 0\n")
    assert validate_tasks(folder) == []


def test_a_folder_without_task_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="found none"):
        validate_tasks(tmp_path)


def test_the_command_reports_by_its_exit_status(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder)]) == 0
    (folder / "broken.yaml").write_text("task: [unclosed")
    assert main([str(folder)]) == 1
    assert "broken.yaml" in capsys.readouterr().out
