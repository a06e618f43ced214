"""A profile runs on a machine that lacks a layout of the weights: what needs it is left out, and named."""

import pytest

from offbook.harness.cli.main import main
from offbook.harness.matrix import layouts_here
from offbook.harness.matrix.layouts_here import without_missing_layouts
from offbook.harness.matrix.plan import plan
from offbook.harness.settings.profiles import load_profile
from tests.matrices import matrix

DECODERS = {
    "autoregressive": {},
    "packed": {"decoder": "autoregressive", "layout": "packed"},
    "echoing": {"decoder": "suffix", "layout": "packed", "controller": "tuned"},
    "prepacked": {"decoder": "autoregressive", "layout": "prepacked"},
    "plain": {"decoder": "autoregressive", "layout": "transformers"},
}


@pytest.fixture
def profile():
    return matrix({"models": {"smollm2-135m-instruct": {}}, "decoders": DECODERS, "suites": {"qa": {}}})


def having(native, device, monkeypatch):
    found = (True, "AVX2") if native else (False, "its C code is not built; install offbook again")
    monkeypatch.setattr(layouts_here, "native_available", lambda: found)
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: device == "cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: int(device == "cuda"))


def test_all_of_a_profile_runs_where_every_layout_is_to_be_had(profile, monkeypatch):
    having(True, "cpu", monkeypatch)
    assert without_missing_layouts(profile, "auto") == (profile, [])


def test_what_is_packed_is_left_out_where_the_c_code_is_not_built(profile, monkeypatch):
    having(False, "cpu", monkeypatch)
    runnable, lines = without_missing_layouts(profile, "auto")
    assert list(runnable.decoders) == ["autoregressive", "prepacked", "plain"]
    assert lines == ["left out: packed, echoing: layout packed: its C code is not built; install offbook again"]


def test_only_the_model_as_it_is_stays_on_a_gpu(profile, monkeypatch):
    having(True, "cuda", monkeypatch)
    runnable, lines = without_missing_layouts(profile, "auto")
    assert list(runnable.decoders) == ["autoregressive", "plain"]
    assert [line.partition(": it is")[0] for line in lines] == [
        "left out: packed, echoing: layout packed",
        "left out: prepacked: layout prepacked",
    ]
    assert without_missing_layouts(profile, "cpu") == (profile, [])


@pytest.mark.parametrize("name", ["laptop", "board", "layouts", "drafters"])
def test_profiles_can_be_planned_without_the_c_code(name, monkeypatch):
    having(False, "cpu", monkeypatch)
    content = load_profile(name)[1]
    runnable, lines = without_missing_layouts(content, "cpu")
    assert len(lines) == 1
    heats = plan(runnable).of_kind("heat")
    arms = [arm for heat in heats for arm in heat.spec["arms"]]
    assert {arm["layout"] for arm in arms} <= {"auto", "transformers", "prepacked"}
    assert len({str(heat.spec["suite"]) for heat in heats}) == 6


def test_the_command_names_what_it_leaves_out(monkeypatch, tmp_path, capsys):
    having(False, "cpu", monkeypatch)
    with pytest.raises(SystemExit) as end:
        main(["reproduce", "--profile", "board", "--dry-run", "--output", str(tmp_path / "run")])
    assert end.value.code == 0
    told = capsys.readouterr()
    assert "left out: packed, ngram_packed: layout packed: its C code is not built" in told.err
    assert "offbook_maths at temperature 0" in told.out
    assert "packed" not in told.out


def test_a_profiles_own_layout_gives_way_where_it_is_not_to_be_had(monkeypatch):
    content = {"models": {"smollm2-135m-instruct": {}}, "decoders": DECODERS, "suites": {"qa": {}}, "layout": "packed"}
    having(False, "cpu", monkeypatch)
    runnable, lines = without_missing_layouts(matrix(content), "cpu")
    assert list(runnable.decoders) == ["autoregressive", "prepacked", "plain"]
    assert lines[0].startswith("layout packed: its C code is not built; install offbook again; the fastest ")
    arms = plan(runnable).of_kind("heat")[0].spec["arms"]
    assert sorted(arm["layout"] for arm in arms) == ["auto", "prepacked", "transformers"]
    having(True, "cpu", monkeypatch)
    whole = plan(without_missing_layouts(matrix(content), "cpu")[0]).of_kind("heat")[0].spec["arms"]
    assert [arm["layout"] for arm in whole].count("packed") == 2, "autoregressive and its twin are one arm"
