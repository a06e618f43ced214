"""What a disk or an editor left of offbook's own files: one line that names the file and says what to do."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from offbook.engine.drafters.answers import load_answers
from offbook.engine.students.record import RECORD
from offbook.harness.artifacts import students
from offbook.harness.matrix.folders import open_run
from offbook.harness.records.store import Store
from offbook.harness.roster import decoders as roster
from offbook.harness.roster import drafter_info
from offbook.harness.settings.profiles import load_profile
from offbook.harness.tables.markdown import replace_block
from offbook.tasks.prompts import Prompt
from tests.tiny import tiny_tokenizer

NO_JSON = [b"", b"{", b"\xff", b"\0" * 9, b"[" * 100_000]


def one_line(told: pytest.ExceptionInfo[ValueError], name: str) -> bool:
    return name in str(told.value) and "\n" not in str(told.value) and ";" in str(told.value)


@pytest.mark.parametrize("content", [*NO_JSON, b"{}", b"[]", b"null", b'{"gradient_tokens": "many"}'])
def test_a_students_record(content, tmp_path: Path):
    (tmp_path / RECORD).write_bytes(content)
    with pytest.raises(ValueError, match="expected") as told:
        students.cost(tmp_path)
    assert one_line(told, RECORD)


@pytest.mark.parametrize("content", [*NO_JSON, b"{}", b"[{}]", b"[1]", b'[{"record": {}, "rows": []}]'])
def test_a_heat_that_was_finished_but_not_committed(content, tmp_path: Path):
    (tmp_path / "pending").mkdir()
    (tmp_path / "pending" / "heat.json").write_bytes(content)
    if content == b'{"retire": [], "entries": []}':
        Store(tmp_path).recover()  # no cells
        return
    with pytest.raises(ValueError, match="delete it, and it is run again") as told:
        Store(tmp_path).recover()
    assert one_line(told, "heat.json")


@pytest.mark.parametrize(
    "line",
    [
        *NO_JSON[1:],
        *(b"[]", b"{}", b'{"id": 1, "prompt_sha256": "a", "tokens": []}', b'{"id": "a", "prompt_sha256": "b"}'),
        *(b'{"id": "a", "prompt_sha256": "b", "tokens": [true]}', b'{"id": "a", "prompt_sha256": "b", "tokens": [-1]}'),
    ],
)
def test_answers_of_the_target(line, tmp_path: Path):
    path = tmp_path / "answers.jsonl"
    path.write_bytes(line + b"\n")
    question = Prompt(id="a", category="c", split="train", prompt="?", answer="")
    with pytest.raises(ValueError, match="expected") as told:
        load_answers(path, tiny_tokenizer(), [question])
    assert one_line(told, "answers.jsonl")


@pytest.mark.parametrize(
    "content",
    [
        *NO_JSON,
        *(b"[]", b'{"training": 1}', b'{"training": {"answer_tokens": -1}}'),
        *(b'{"imported": 1}', b'{"imported": {"format": 3}}', b'{"imported": {"format": "nobody/knows"}}'),
    ],
)
def test_a_drafters_config(content, tmp_path: Path):
    save_file({"a": torch.zeros(2, 3), drafter_info.NOT_TRAINED: torch.zeros(5)}, tmp_path / drafter_info.WEIGHTS)
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ValueError, match="train it anew") as told:
        drafter_info.describe(tmp_path)
    assert one_line(told, tmp_path.name)


def test_a_drafters_weights(tmp_path: Path):
    save_file({"a": torch.zeros(2, 3), drafter_info.NOT_TRAINED: torch.zeros(5)}, tmp_path / drafter_info.WEIGHTS)
    (tmp_path / "config.json").write_text(json.dumps({"training": {"answer_tokens": 7}}))
    described = drafter_info.describe(tmp_path)
    assert (described.parameters, described.training_tokens) == (6, 7)
    whole = (tmp_path / drafter_info.WEIGHTS).read_bytes()
    for part in (b"", whole[:4], whole[:40], whole[:-1], b"\xff" * 8 + whole[8:]):
        (tmp_path / drafter_info.WEIGHTS).write_bytes(part)
        with pytest.raises(ValueError, match="train it anew") as told:
            drafter_info.describe(tmp_path)
        assert one_line(told, tmp_path.name)


@pytest.mark.parametrize("content", [*NO_JSON, b"[]", b"{}"])
def test_a_run_folder_of_nobody_is_not_resumed(content, tmp_path: Path):
    name, profile = load_profile("smoke")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_bytes(content)
    with pytest.raises(ValueError, match="expected an empty or new folder, or a run to resume, got other files"):
        open_run(name, profile, output=tmp_path / "run")


def test_a_readme_in_another_encoding(tmp_path: Path):
    (tmp_path / "README.md").write_bytes("größe".encode("latin-1"))
    with pytest.raises(ValueError, match="re-encode it as UTF-8") as told:
        replace_block(tmp_path / "README.md", "board", "x")
    assert one_line(told, "README.md")


def test_a_contender_of_others_that_does_not_load(monkeypatch: pytest.MonkeyPatch):
    class Point:
        name, value = "mine", "mine:contender"

        def load(self) -> object:
            return {}["contender"]

    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Point()])
    with pytest.raises(ValueError, match=r"'mine' .*expected it to load, got KeyError: 'contender'; fix or uninstall"):
        roster.contenders()
