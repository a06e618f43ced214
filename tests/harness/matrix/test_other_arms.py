"""A heat that would take cells from one with other arms is refused before anything is done, and leaves nothing."""

from pathlib import Path
from typing import Any

import pytest

from offbook.engine.progress import Silent
from offbook.harness.cli.main import main
from offbook.harness.matrix import running
from offbook.harness.matrix.graph import Graph
from offbook.harness.matrix.plan import plan
from offbook.harness.matrix.running import Ran, run_plan
from offbook.harness.matrix.status import status
from offbook.harness.records.store import Store
from offbook.harness.records.verify import verify
from tests.matrices import matrix
from tests.tiny import save_tiny

PLAIN: dict[str, Any] = {"autoregressive": {}, "prompt_lookup": {}}
OTHER = {"autoregressive": {}, "prompt_lookup": {"options": {"num_tokens": 5}}}
MORE = PLAIN | {"hf_generate": {}}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_tiny(tmp_path_factory.mktemp("arms") / "tiny"))


def planned(model: str, decoders: dict[str, Any], **changes: Any) -> Graph:
    content = {"models": {model: {}}, "decoders": decoders, "suites": {"qa": {"max_new_tokens": 4, "limit": 1}}}
    return plan(matrix(content | changes))


def run(graph: Graph, folder: Path) -> Ran:
    return run_plan(graph, folder, Silent(), device="cpu")


@pytest.fixture(scope="module")
def folder(model: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A heat of two arms."""
    place = tmp_path_factory.mktemp("arms") / "run"
    assert run(planned(model, PLAIN), place).done == 1
    return place


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("decoders", "told"),
    [
        (
            MORE,
            r"qa at temperature 0: expected the decoders of the heat that was run there, got hf_generate too; speeds",
        ),
        (OTHER, r'got prompt_lookup \{.*"num_tokens": 5\} in place of prompt_lookup \{.*"num_tokens": 10\}; speeds'),
    ],
)
def test_a_heat_with_other_arms_is_refused_when_it_is_planned(folder, model, monkeypatch, decoders, told):
    monkeypatch.setattr(running, "rehearse", lambda *_: pytest.fail("a model was loaded"))
    before = files(folder)
    with pytest.raises(ValueError, match=told) as refusal:
        run(planned(model, decoders), folder)
    assert "choose another --output" in str(refusal.value)
    assert files(folder) == before
    assert status(folder).failed == []


def test_fewer_arms_are_found_and_other_documents_are_another_heat(folder, model):
    assert run(planned(model, {"autoregressive": {}}), folder).done == 1
    assert run(planned(model, PLAIN), folder).done == 1
    both = {"suites": {"qa": {"max_new_tokens": 4, "limit": 2}}}
    assert run(planned(model, MORE, **both), folder).done == 1
    assert len(Store(folder).records()) == 5
    assert verify(Store(folder)).findings == ()


@pytest.mark.parametrize("flags", [["--dry-run"], []])
def test_the_command_line_says_so_in_one_line(folder, model, tmp_path, capsys, flags):
    file = tmp_path / "more.yaml"
    file.write_text(
        "schema_version: 2\ndescription: more\ndecoders: {autoregressive: {}, prompt_lookup: {}, hf_generate: {}}\n"
        f"models: {{{model}: {{}}}}\nsuites: {{qa: {{max_new_tokens: 4, limit: 1}}}}\n"
    )
    with pytest.raises(SystemExit) as end:
        main(["run", str(file), *flags, "--output", str(folder)])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "got hf_generate too" in line


def test_two_heats_of_one_plan_may_not_take_each_others_cells(model, tmp_path):
    decoders = PLAIN | {"hf_generate": {}}
    twice = {"suites": {name: {"max_new_tokens": 4, "limit": 1} for name in ("qa", "offbook_qa")}}
    exclude = [{"suites": "qa", "decoders": "hf_generate"}, {"suites": "offbook_qa", "decoders": "prompt_lookup"}]
    with pytest.raises(ValueError, match="got hf_generate in place of prompt_lookup"):
        run(planned(model, decoders, **twice, exclude=exclude), tmp_path / "run")
    assert not (tmp_path / "run").exists()
