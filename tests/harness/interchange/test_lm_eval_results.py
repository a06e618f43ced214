"""Records as lm-eval's results and samples: its own fields, its own table, and the scores that the records hold."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from lm_eval.result_schema import EvalResults, SampleResult
from lm_eval.utils import hash_string, make_table

from offbook.harness.cli.main import main
from offbook.harness.interchange.lm_eval_results import write_lm_eval
from offbook.harness.suites.documents import DocumentsAtHand
from offbook.harness.suites.requests import doc_hash
from tests.harness.interchange.committed import RESULTS, a_cell, an_exam, nothing_at_hand
from tests.harness.tables.exams import exam


def read(folder: Path) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """The one results file below a folder, and the samples beside it by suite."""
    (results,) = folder.rglob("results_*.json")
    samples = {}
    for path in results.parent.glob("samples_*.jsonl"):
        suite = path.name.removeprefix("samples_").rpartition("_")[0]
        samples[suite] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return json.loads(results.read_text(encoding="utf-8")), samples


@pytest.fixture(scope="module")
def cell(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cell")
    write_lm_eval([a_cell()], DocumentsAtHand(), folder)
    return folder


def test_a_cell_has_lm_evals_fields_and_no_others_but_ours(cell):
    results, samples = read(cell)
    assert {name for name in results if not name.startswith("offbook_")} <= set(EvalResults.__annotations__)
    for sample in samples["offbook_qa"]:
        own = {name for name in sample if name.startswith("offbook_")} | set(sample["metrics"])
        assert set(sample) - own == set(SampleResult.__annotations__)
        assert all(isinstance(sample[name], float) for name in own), "further keys are numbers"


def test_lm_eval_prints_its_table(cell):
    results, _ = read(cell)
    (line,) = (line for line in make_table(results).splitlines() if "offbook_qa" in line)
    scores = [row.scores["acc"] for row in a_cell().rows]
    assert f"{sum(scores) / len(scores):.4f}" in line
    assert "acc" in line


def test_means_and_errors_are_those_of_the_samples(cell):
    results, samples = read(cell)
    told, scores = results["results"]["offbook_qa"], [sample["acc"] for sample in samples["offbook_qa"]]
    mean = sum(scores) / len(scores)
    variance = sum((score - mean) ** 2 for score in scores) / (len(scores) - 1)
    assert told["acc,none"] == pytest.approx(mean)
    assert told["acc_stderr,none"] == pytest.approx(math.sqrt(variance / len(scores)))
    assert results["n-samples"]["offbook_qa"]["effective"] == len(scores)
    low, high = results["configs"]["offbook_qa"]["offbook_interval"]["acc"]
    assert low < mean < high


def test_samples_are_the_suites_own_documents_with_the_stored_answers(cell):
    results, samples = read(cell)
    rows = {row.doc_id: row for row in a_cell().rows}
    for sample in samples["offbook_qa"]:
        row = rows[sample["doc_id"]]
        assert sample["resps"] == [[row.text]]
        assert sample["filtered_resps"] == [row.text]
        assert sample["doc_hash"] == row.doc_hash == doc_hash(sample["doc"])
        assert sample["prompt_hash"] == hash_string(sample["arguments"]["gen_args_0"]["arg_0"])
        assert sample["target"]
        assert sample["offbook_rounds"] == len(row.rounds)
    asked = "".join(s["doc_hash"] + s["prompt_hash"] + s["target_hash"] for s in samples["offbook_qa"])
    assert results["task_hashes"]["offbook_qa"] == hash_string(asked)


def test_what_ran_is_told_as_lm_evals_model_of_offbook_tells_it(cell):
    config = read(cell)[0]["config"]
    spec = a_cell().record.spec
    assert (config["model"], config["model_sha"], config["model_dtype"]) == ("offbook", spec.weights_sha256, "float32")
    assert config["model_args"]["decoder"] == config["offbook_decoder"] == "eagle2"
    assert config["offbook_acceptance_length"] > 1
    assert config["offbook_certificate"]["verdict"] == "lossless"


def test_an_exam_has_a_samples_file_for_each_suite_even_where_no_suite_is_at_hand(tmp_path):
    write_lm_eval([an_exam()], nothing_at_hand, tmp_path)
    results, samples = read(tmp_path)
    suites = {suite.name: suite.n_docs for suite in an_exam().record.spec.suites}
    assert {suite: len(lines) for suite, lines in samples.items()} == suites
    assert set(results["results"]) == set(suites)
    (first, *_) = samples["offbook_procedural_dates"]
    assert (first["doc"], first["arguments"], first["target"]) == ({}, {}, "")
    assert first["resps"][0][0]


def test_one_document_has_no_error_and_a_table_all_the_same(tmp_path):
    write_lm_eval([exam(scores={"sums": [1.0]})], nothing_at_hand, tmp_path)
    results, _ = read(tmp_path)
    assert results["results"]["sums"]["acc_stderr,none"] == "N/A"
    assert "sums" in make_table(results)


def test_the_command_names_suites_that_are_not_at_hand(tmp_path, monkeypatch, capsys):
    def gone(self: DocumentsAtHand, suite: str, hashes: object) -> dict[int, object]:
        self.missing[suite] = "gone"
        return {}

    monkeypatch.setattr(DocumentsAtHand, "__call__", gone)
    place = next((RESULTS / "records").glob(f"*-{a_cell().record.key[:12]}.json"))
    with pytest.raises(SystemExit) as end:
        main(["export", "lm-eval", str(place), "--output", str(tmp_path / "out")])
    assert end.value.code == 0
    told = capsys.readouterr()
    assert told.out.strip() == str(tmp_path / "out")
    assert told.err.splitlines() == ["2 files", "without its questions: offbook_qa: gone"]
