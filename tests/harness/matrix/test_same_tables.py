"""The same matrix run twice, wherever and whenever, gives the same tables but for declared timings."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from offbook.engine.embedded_folder import prepare
from offbook.harness.tables.csv_file import from_csv
from offbook.harness.tables.reproduction import TABLES
from tests.tiny import save_tiny

MATRIX = """
schema_version: 2
description: a student and a drafter on a tiny model
models: {{{model}: {{}}}}
decoders: {{autoregressive: {{}}, eagle2: {{options: {{total_tokens: 6}}}}}}
drafters:
  {{answers: 6, epochs: 1, batch_size: 4, draft_vocab_size: 64, max_length: 128, source: regenerate}}
suites: {{qa: {{max_new_tokens: 5, limit: 2}}}}
temperatures: [{{temperature: 0}}, {{temperature: 1}}]
students: {{one: {{method: single_rationale}}}}
include: [{{students: untouched}}]
corpus: {{questions: 7, dev_questions: 7}}
training: {{gradient_tokens: 600, questions_per_step: 2, evaluations: 1, max_length: 4096}}
exams: {{suites: {{id: [procedural_shopping]}}, limit: 2, max_new_tokens: 8}}
"""
WORLDS = (
    {"TZ": "Pacific/Auckland", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
    {"TZ": "America/St_Johns", "LC_ALL": "C.UTF-8", "LANG": "de_DE.UTF-8", "PYTHONHASHSEED": "77"},
)
OF_THE_RUN = {"heat_id"}  # when it was
VARYING = {
    which.file: {name for column in which.those("timing") for name in column.fields} | OF_THE_RUN for which in TABLES
}


def run(arguments: list[str], folder: Path, world: dict[str, str]) -> None:
    place = folder.parent / f"where {folder.name} is run from"
    place.mkdir(parents=True)
    command = [sys.executable, "-m", "offbook.harness.cli", *arguments, "--output", str(folder), "--device", "cpu"]
    done = subprocess.run(
        command, cwd=place, env={**os.environ, **world}, capture_output=True, text=True, errors="replace"
    )
    assert done.returncode in (0, 1), done.stderr  # 1: other than the committed results


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    found = {which.file: from_csv(folder / which.file, which.columns) for which in TABLES}
    return {
        name: table.drop(columns=[column for column in VARYING[name] if column in table])
        for name, table in found.items()
    }


def check(arguments: list[str], tmp_path: Path) -> None:
    for number, world in enumerate(WORLDS):
        run(arguments, tmp_path / f"world {number}" / "run", world)
    one, other = (tables(tmp_path / f"world {number}" / "run") for number in range(2))
    for name in one:
        assert len(one[name]) > 1
        pd.testing.assert_frame_equal(one[name], other[name])


@pytest.mark.slow
def test_a_small_matrix_run_twice_in_other_worlds_gives_the_same_tables(tmp_path: Path):
    path = tmp_path / "small.yaml"
    path.write_text(MATRIX.format(model=save_tiny(tmp_path / "tiny")))
    check(["run", str(path)], tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(2 * 3600)  # on a busy machine a world takes half an hour
def test_smoke_run_twice_in_other_worlds_gives_the_same_tables(tmp_path: Path):
    try:
        prepare("smollm2-135m-instruct")
    except ValueError as error:
        pytest.skip(f"the embedded model is out of reach: {error}")
    check(["reproduce", "--profile", "smoke"], tmp_path)
