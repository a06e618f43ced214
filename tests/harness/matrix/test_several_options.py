"""One decoder takes part in a heat with several settings, beside itself."""

from pathlib import Path

import pytest

import offbook
from offbook.engine.progress import Silent
from offbook.harness.matrix.plan import plan
from offbook.harness.matrix.running import run_plan
from offbook.harness.records.store import Store
from offbook.harness.records.verify import verify
from tests.matrices import matrix
from tests.tiny import save_tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    content = {
        "models": {str(save_tiny(tmp_path_factory.mktemp("several") / "tiny")): {}},
        "decoders": {
            "autoregressive": {},
            "prompt_lookup": {},
            "short": {"decoder": "prompt_lookup", "options": {"num_tokens": 2}},
        },
        "suites": {"qa": {"max_new_tokens": 6, "limit": 2}},
        "temperatures": [{"temperature": 1.0}],
    }
    run: Path = tmp_path_factory.mktemp("run")
    ran = run_plan(plan(matrix(content)), run, Silent(), device="cpu")
    assert (ran.done, ran.failed, ran.pending) == (1, [], 0)
    return run


def test_each_setting_has_a_record_of_its_own_and_nothing_is_wrong_with_them(folder):
    records = Store(folder).records()
    assert verify(Store(folder), again=True).findings == ()
    assert sorted(record.spec.decoder_config.get("num_tokens", 0) for record in records) == [0, 2, 10]
    (arms,) = {tuple(record.manifest["heat"]["arms"]) for record in records}
    assert arms[0] == "autoregressive"
    assert {arm.partition("@")[0] for arm in arms[1:]} == {"prompt_lookup"}
    assert len(set(arms)) == 3


def test_nobody_is_accused_of_remembering_what_the_other_setting_did(folder):
    assert offbook.records(folder)["found"].isna().tolist() == [True] * 3


def test_tables_tell_them_apart_by_their_settings(folder):
    page = (folder / "LEADERBOARD.md").read_text()
    assert "num_tokens 10" in page
    assert "num_tokens 2 " in page


def test_the_same_setting_under_two_names_is_one_arm(tmp_path):
    content = {
        "models": {str(save_tiny(tmp_path / "tiny")): {}},
        "decoders": {"autoregressive": {}, "one": {"decoder": "prompt_lookup"}, "two": {"decoder": "prompt_lookup"}},
        "suites": {"qa": {}},
    }
    (heat,) = plan(matrix(content)).of_kind("heat")
    assert [arm["decoder"] for arm in heat.spec["arms"]] == ["autoregressive", "prompt_lookup"]
