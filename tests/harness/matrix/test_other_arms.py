"""A heat with more arms replaces the one of a folder as a whole; one that would drop an arm is refused beforehand."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

from offbook.engine.progress import Silent
from offbook.harness.cli.main import main
from offbook.harness.matrix import other_arms, running
from offbook.harness.matrix.graph import Graph
from offbook.harness.matrix.plan import plan
from offbook.harness.matrix.running import Ran, run_plan
from offbook.harness.matrix.status import status
from offbook.harness.records.ledger import Ledger
from offbook.harness.records.origin import Origin
from offbook.harness.records.store import Store
from offbook.harness.records.verify import verify
from offbook.harness.roster import decoders
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


def test_a_heat_that_would_drop_an_arm_is_refused_when_it_is_planned(folder, model, monkeypatch):
    monkeypatch.setattr(running, "rehearse", lambda *_: pytest.fail("a model was loaded"))
    before = files(folder)
    told = r'got prompt_lookup \{.*"num_tokens": 5\} in place of prompt_lookup \{.*"num_tokens": 10\}; speeds'
    with pytest.raises(ValueError, match=told) as refusal:
        run(planned(model, OTHER), folder)
    assert "choose another --output" in str(refusal.value)
    assert files(folder) == before
    assert status(folder).failed == []


def whole(folder: Path) -> dict[str, str]:
    """The heat of each decoder's record, in a store without findings and a run without anything left to do."""
    assert verify(Store(folder)).findings == ()
    told = status(folder)
    assert (told.total.done, told.total.expected) == (len(told.kinds), len(told.kinds))
    assert run(Graph.read(folder), folder).done == told.total.done
    records = Store(folder).records("cell")
    assert len({record.spec.decoder for record in records}) == len(records)
    return {record.spec.decoder: record.heat_id for record in records}


def test_a_heat_with_more_arms_replaces_the_earlier_as_a_whole(folder, model, tmp_path):
    place = Path(shutil.copytree(folder, tmp_path / "run"))
    first = whole(place)
    said = Said()
    assert run_plan(planned(model, MORE), place, said, device="cpu").done == 1
    second = whole(place)
    assert second.keys() == {*MORE}
    assert len({*second.values()}) == 1
    assert not {*first.values()} & {*second.values()}
    assert [line for line in said.lines if "hf_generate is new there" in line]


def test_a_contender_whose_code_has_changed_is_measured_again_with_its_heat(model, tmp_path, monkeypatch):
    theirs = dataclasses.replace(decoders.DECODERS["prompt_lookup"], name="theirs")
    code = iter(Origin(distribution="theirs", version="1", code_sha256=letter * 64) for letter in "ab")
    kept: dict[str, Origin] = {}
    monkeypatch.setitem(decoders.DECODERS, "theirs", theirs)
    monkeypatch.setattr(
        type(theirs), "made_by", property(lambda one: kept["is"] if one.name == "theirs" else None), raising=True
    )
    for _ in range(2):
        kept["is"] = next(code)
        assert run(planned(model, PLAIN | {"theirs": {}}), tmp_path).done == 1
        assert len({*whole(tmp_path).values()}) == 1
        (record,) = (one for one in Store(tmp_path).records("cell") if one.spec.decoder == "theirs")
        assert record.spec.made_by == kept["is"]
    assert len(list((tmp_path / "rows").iterdir())) == 3


def test_a_replacement_that_is_stopped_leaves_the_earlier_heat_as_it_was(folder, model, tmp_path, monkeypatch):
    place = Path(shutil.copytree(folder, tmp_path / "run"))
    first = whole(place)
    with monkeypatch.context() as patch:
        patch.setattr("offbook.harness.trials.heat.certify", stop)
        with pytest.raises(KeyboardInterrupt):
            run(planned(model, MORE), place)
    assert verify(Store(place)).findings == ()
    assert {record.spec.decoder: record.heat_id for record in Store(place).records("cell")} == first
    assert run(planned(model, MORE), place).done == 1
    assert len({*whole(place).values()}) == 1


def test_a_heat_that_has_lost_a_record_is_replaced_too(folder, model, tmp_path):
    place = Path(shutil.copytree(folder, tmp_path / "run"))
    next((place / "records").glob("*prompt-lookup*")).unlink()
    said = Said()
    assert run_plan(planned(model, MORE), place, said, device="cpu").done == 1
    assert whole(place).keys() == {*MORE}
    assert [line for line in said.lines if "found none; " in line and "is run again" in line]


def test_a_heat_whose_replacement_was_stopped_still_may_not_lose_an_arm(folder, model, tmp_path, monkeypatch):
    place = Path(shutil.copytree(folder, tmp_path / "run"))
    with monkeypatch.context() as patch:
        patch.setattr("offbook.harness.trials.heat.certify", stop)
        with pytest.raises(KeyboardInterrupt):
            run(planned(model, MORE), place)
    monkeypatch.setattr(running, "rehearse", lambda *_: pytest.fail("a model was loaded"))
    with pytest.raises(ValueError, match="got hf_generate in place of prompt_lookup"):
        run(planned(model, {"autoregressive": {}, "hf_generate": {}}), place)


def test_fewer_arms_of_a_heat_that_lost_a_record_take_nothing_else_along(model, tmp_path):
    run(planned(model, MORE), tmp_path)
    fewer = planned(model, PLAIN)
    run(fewer, tmp_path)
    (trial,) = (stage.key for stage in fewer.stages)
    assert len(Ledger(tmp_path).behind(trial)) == 2, "before anything else was asked of it"
    next((tmp_path / "records").glob("*prompt-lookup*")).unlink()
    assert run(fewer, tmp_path).done == 1
    assert whole(tmp_path).keys() == {*PLAIN}


def stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


class Said(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def test_fewer_arms_are_found_and_other_documents_are_another_heat(folder, model):
    assert run(planned(model, {"autoregressive": {}}), folder).done == 1
    assert run(planned(model, PLAIN), folder).done == 1
    both = {"suites": {"qa": {"max_new_tokens": 4, "limit": 2}}}
    assert run(planned(model, MORE, **both), folder).done == 1
    assert len(Store(folder).records()) == 5
    assert verify(Store(folder)).findings == ()


@pytest.mark.parametrize("flags", [["--dry-run"], []])
def test_the_command_line_says_so_in_one_line(folder, model, tmp_path, capsys, flags):
    file = tmp_path / "other.yaml"
    file.write_text(
        "schema_version: 2\ndescription: other\ndecoders: {autoregressive: {}, hf_generate: {}}\n"
        f"models: {{{model}: {{}}}}\nsuites: {{qa: {{max_new_tokens: 4, limit: 1}}}}\n"
    )
    with pytest.raises(SystemExit) as end:
        main(["run", str(file), *flags, "--output", str(folder)])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "got hf_generate in place of prompt_lookup" in line


def test_a_dry_run_says_what_is_run_again(folder, model, tmp_path, capsys):
    file = tmp_path / "more.yaml"
    file.write_text(
        "schema_version: 2\ndescription: more\ndecoders: {autoregressive: {}, prompt_lookup: {}, hf_generate: {}}\n"
        f"models: {{{model}: {{}}}}\nsuites: {{qa: {{max_new_tokens: 4, limit: 1}}}}\n"
    )
    before = files(folder)
    with pytest.raises(SystemExit) as end:
        main(["run", str(file), "--dry-run", "--output", str(folder)])
    assert end.value.code == 0
    assert "is run again with all its decoders, for hf_generate is new there" in capsys.readouterr().err
    assert files(folder) == before


@pytest.mark.parametrize("names", [("qa", "offbook_qa"), ("offbook_qa", "qa")])
@pytest.mark.parametrize("without", [["hf_generate"], ["hf_generate", "prompt_lookup"], ["prompt_lookup"]])
def test_two_heats_of_one_plan_may_not_take_each_others_cells(model, tmp_path, names, without):
    arms = PLAIN | {"hf_generate": {}}
    twice = {"suites": {name: {"max_new_tokens": 4, "limit": 1} for name in names}}
    complaint = "expected heats on the same documents to have the same decoders, got .* in one of them only; leave"
    with pytest.raises(ValueError, match=complaint):
        run(planned(model, arms, **twice, exclude=[{"suites": "qa", "decoders": without}]), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_code_that_has_changed_is_told_though_it_trained_the_drafter_too(model):
    trained = {"source": "regenerate", "answers": 4}
    (heat,) = planned(model, PLAIN | {"eagle2": {"options": {"total_tokens": 6}}}, drafters=trained).of_kind("heat")
    arms = {arm["decoder"]: arm for arm in heat.spec["arms"]}
    theirs = {"distribution": "theirs", "version": "2", "code_sha256": None}
    changed = arms["eagle2"] | {"made_by": theirs, "drafter": arms["eagle2"]["drafter"] | {"made_by": theirs}}
    assert other_arms._without_code(changed) == other_arms._without_code(arms["eagle2"])
    retrained = changed["drafter"] | {"training": {}}
    assert other_arms._without_code(changed | {"drafter": retrained}) != other_arms._without_code(arms["eagle2"])
