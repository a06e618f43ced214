"""The grid of a recipe: of a run of students alone, interrupted or not, and of the file that it leaves."""

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from offbook.engine.progress import Silent
from offbook.harness.matrix import recipe as module
from offbook.harness.matrix.plan import plan
from offbook.harness.matrix.recipe import FILE, grid, read_grid
from offbook.harness.matrix.reproduce import reproduce
from offbook.harness.tables.recipe_choice import FIELDS, tried
from tests.matrices import matrix
from tests.tiny import save_tiny

TRAINING = {"gradient_tokens": 300, "questions_per_step": 2, "evaluations": 1, "max_length": 4096}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tiny = str(save_tiny(tmp_path_factory.mktemp("recipe") / "tiny", max_position_embeddings=4096))
    content: dict[str, Any] = {
        "models": {tiny: {}},
        "students": {
            "full": {"method": "single_rationale", "seeds": 2, "interpolate": [0.5]},
            "slow": {"method": "single_rationale", "training": {"learning_rate": 1e-6}},
            "all": {"method": "uniform_rationales", "training": {"lora_rank": 2}},
        },
        "corpus": {"questions": 7, "dev_questions": 7, "retention_questions": 5},
        "training": TRAINING,
    }
    folder: Path = tmp_path_factory.mktemp("run")
    ran, _ = reproduce(plan(matrix(content)), folder, Silent(), committed=folder / "none")
    assert (ran.failed, ran.pending) == ([], 0)
    return folder


def test_a_row_is_a_trained_student_with_its_settings_and_its_scores(run: Path) -> None:
    found = grid(run)
    assert found.columns.tolist() == list(FIELDS)
    assert sorted(zip(found["student"], found["seed"], strict=True)) == [
        ("all", 0),
        ("full", 0),
        ("full", 1),
        ("slow", 0),
    ]
    rows = found.set_index(["student", "seed"])
    assert rows.loc[("slow", 0), "learning_rate"] == 1e-6
    assert rows.loc[("all", 0), "lora_rank"] == 2
    assert set(found["questions"]) == {7}
    assert set(found["retention_questions"]) == {5}
    assert found["retention"].between(0, 1).all()
    assert {(t.name, t.seeds) for t in tried(found)} == {("full", 2), ("slow", 1), ("all", 1)}


def test_the_command_writes_the_grid_and_says_the_same_from_its_file(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for words in ([str(run), "single_rationale", "--output", str(tmp_path)], [str(tmp_path), "single_rationale"]):
        monkeypatch.setattr(sys, "argv", ["recipe", *words])
        module._main()
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert said[0].rstrip().endswith("tries: single_rationale 2, uniform_rationales 1")
    pd.testing.assert_frame_equal(read_grid(tmp_path), read_grid(tmp_path)[list(FIELDS)])
    assert len(read_grid(tmp_path)) == 4
    assert (tmp_path / FILE).is_file()


def test_a_folder_with_neither_a_run_nor_a_grid_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a recipe's grid or a run's folder, got FileNotFoundError") as error:
        read_grid(tmp_path)
    assert "\n" not in str(error.value)
