"""A matrix whose decoders are cut by what the plan measures, or by a tuning that is there."""

import dataclasses
from pathlib import Path

import pytest

from offbook.engine.progress import Silent
from offbook.harness.artifacts.manifest import artifact_folder
from offbook.harness.matrix.plan import plan
from offbook.harness.matrix.running import run_plan
from offbook.harness.records.origin import Origin
from offbook.harness.records.store import Store
from offbook.harness.records.verify import verify
from offbook.harness.roster import decoders
from offbook.harness.roster.tuning import read_tuning
from offbook.harness.trials import session as module
from tests.matrices import matrix
from tests.tiny import save_tiny


def content(model: Path, **decoder) -> dict:
    return {
        "models": {str(model): {}},
        "decoders": {"autoregressive": {}, "plain": {"decoder": "prompt_lookup"},
                     "prompt_lookup": {"controller": "tuned", **decoder}},
        "suites": {"qa": {"max_new_tokens": 6, "limit": 1}},
    }  # fmt: skip


def few_answers(patch: pytest.MonkeyPatch) -> None:
    answers = module.development_answers
    patch.setattr(module, "development_answers", lambda *args: answers(*args, prompts=2, tokens=5))


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tuned") / "tiny")


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory) -> Path:
    run: Path = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        few_answers(patch)
        ran = run_plan(plan(matrix(content(model))), run, Silent(), device="cpu")
    assert (ran.done, ran.failed, ran.pending) == (2, [], 0)
    return run


def test_a_tuning_is_a_stage_before_the_heats_that_need_it(model):
    graph = plan(matrix(content(model)))
    (tuning,), (heat,) = graph.of_kind("tuning"), graph.of_kind("heat")
    assert tuning.key in heat.needs
    assert tuning.title == "tuning of prompt_lookup"
    assert tuning.alone
    assert graph.stages.index(tuning) < graph.stages.index(heat)


def test_records_name_the_tuning_and_the_settings_it_led_to(folder):
    store = Store(folder)
    by_tuning = {record.spec.tuning: record for record in store.records("cell")}
    (sha256,) = by_tuning.keys() - {None}
    (place,) = (folder / "artifacts").glob("tuning-*")
    tuning = read_tuning(place)
    record = by_tuning[sha256]
    assert tuning.sha256() == sha256
    assert record.spec.decoder_config == tuning.of("prompt_lookup").options
    (facts,) = record.manifest["tunings"].values()
    assert facts["sha256"] == sha256
    assert facts["costs"]["rows"][0] == 1
    assert record.certificate.verdict == "lossless"
    assert verify(store, again=True).findings == ()


def test_a_tuning_that_is_there_is_taken_and_another_setting_refused(folder, model):
    (place,) = (folder / "artifacts").glob("tuning-*")
    tuning = read_tuning(place)
    graph = plan(matrix(content(model, controller=str(place / "tuning.json"))))
    assert graph.of_kind("tuning") == []
    (heat,) = graph.of_kind("heat")
    (arm,) = (arm for arm in heat.spec["arms"] if arm.get("tuning"))
    assert (arm["tuning_sha256"], arm["options"]) == (tuning.sha256(), tuning.of("prompt_lookup").options)
    assert arm["layout"] == tuning.layout
    with pytest.raises(ValueError, match="expected num_tokens 10, with which it was made, got 3"):
        plan(matrix(content(model, controller=str(place), options={"num_tokens": 3})))


def test_a_contender_whose_code_has_changed_is_tuned_and_measured_again_with_its_heat(model, tmp_path, monkeypatch):
    theirs = dataclasses.replace(decoders.DECODERS["prompt_lookup"], name="theirs")
    kept: dict[str, Origin] = {}
    monkeypatch.setitem(decoders.DECODERS, "theirs", theirs)
    monkeypatch.setattr(
        type(theirs), "made_by", property(lambda one: kept["is"] if one.name == "theirs" else None), raising=True
    )
    few_answers(monkeypatch)
    given = content(model)
    given["decoders"] = {"autoregressive": {}, "theirs": {"controller": "tuned"}}
    for letter in "ab":
        kept["is"] = Origin(distribution="theirs", version="1", code_sha256=letter * 64)
        assert run_plan(plan(matrix(given)), tmp_path, Silent(), device="cpu").failed == []
        (record,) = (one for one in Store(tmp_path).records("cell") if one.spec.decoder == "theirs")
        assert record.spec.made_by == kept["is"]
        assert verify(Store(tmp_path)).findings == ()
    tunings = [read_tuning(place).sha256() for place in (tmp_path / "artifacts").glob("tuning-*")]
    assert len({*tunings}) == 2
    assert record.spec.tuning in tunings


def test_an_arm_without_a_controller_has_the_key_it_had(model):
    (heat,) = plan(matrix(content(model, controller="none"))).of_kind("heat")
    assert not any("tuning" in arm for arm in heat.spec["arms"])


@pytest.mark.parametrize("name", ["autoregressive", "hf_generate"])
def test_what_drafts_nothing_that_could_be_cut_takes_no_controller(model, name):
    given = content(model)
    given["decoders"] |= {name: {"controller": "tuned"}}
    with pytest.raises(ValueError, match=f"{name}: expected no controller"):
        plan(matrix(given))


@pytest.mark.parametrize("name", ["speculative_sampling", "medusa_typical"])
def test_what_says_another_text_with_other_candidates_takes_no_controller(model, name):
    given = content(model)
    given["decoders"] |= {name: {"controller": "tuned"}}
    with pytest.raises(
        ValueError, match=f"{name}: expected no controller, got 'tuned'; what it says hangs on its cand"
    ):
        plan(matrix(given))


def test_the_artifact_of_a_tuning_is_found_by_its_recipe(folder, model):
    (stage,) = plan(matrix(content(model))).of_kind("tuning")
    assert (artifact_folder(folder, "tuning", stage.key) / "tuning.json").is_file()
