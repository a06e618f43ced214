"""Records as every_eval_ever 0.3.0: the schema, and what its validator asks beyond it."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from offbook.harness.cli.main import main
from offbook.harness.interchange.every_eval_ever import write_every_eval_ever
from offbook.harness.interchange.every_eval_ever_schema import UUID, EvaluationLog, Sample
from offbook.harness.suites.documents import Document, DocumentsAtHand
from tests.harness.interchange.committed import RESULTS, a_cell, an_exam, nothing_at_hand
from tests.harness.tables.exams import exam

PLACE = re.compile(rf"data/offbook/[A-Za-z0-9._-]+/[A-Za-z0-9._-]+/{UUID}(\.json|_samples\.jsonl)")


def logs(folder: Path) -> dict[Path, EvaluationLog]:
    found = sorted(folder.rglob("*.json"))
    return {path: EvaluationLog.model_validate_json(path.read_text(encoding="utf-8")) for path in found}


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("every-eval-ever")
    at_hand = DocumentsAtHand()

    def documents(suite: str, hashes: Mapping[int, str]) -> Mapping[int, Document]:
        """Those of the exam's suites that have other questions by now are made up."""
        return at_hand(suite, hashes) or {n: Document(doc={}, target="4", prompt=f"{suite} {n}") for n in hashes}

    write_every_eval_ever([a_cell(), a_cell("jakiro"), an_exam()], documents, folder, organisation="Somebody")
    assert not [suite for suite in at_hand.missing if "procedural" not in suite], "cells have their real questions"
    return folder


def test_files_lie_where_the_validator_wants_them_each_record_in_one_of_its_own(written):
    names = [path.relative_to(written).as_posix() for path in written.rglob("*") if path.is_file()]
    assert all(PLACE.fullmatch(name) for name in names), names
    assert len(logs(written)) == 3
    assert len(names) == 6


def test_samples_belong_to_their_file_by_name_number_and_hash(written):
    for path, log in logs(written).items():
        detail = log.detailed_evaluation_results
        assert detail is not None
        samples = written / detail.file_path
        assert samples == path.with_name(f"{path.stem}_samples.jsonl")
        assert hashlib.sha256(samples.read_bytes()).hexdigest() == detail.checksum
        lines = [Sample.model_validate_json(line) for line in samples.read_text(encoding="utf-8").splitlines()]
        assert len(lines) == detail.total_rows
        assert {line.evaluation_id for line in lines} == {log.evaluation_id}
        assert {line.model_id for line in lines} == {log.model_info.id}
        known = {result.evaluation_result_id for result in log.evaluation_results}
        assert {line.evaluation_result_id for line in lines} == known


def test_a_score_is_the_mean_of_its_samples_with_an_interval_around_it(written):
    for log in logs(written).values():
        assert log.detailed_evaluation_results is not None
        text = (written / log.detailed_evaluation_results.file_path).read_text(encoding="utf-8")
        lines = [Sample.model_validate_json(line) for line in text.splitlines()]
        for result in log.evaluation_results:
            of = [s.evaluation.score for s in lines if s.evaluation_result_id == result.evaluation_result_id]
            assert result.score_details.score == pytest.approx(sum(of) / len(of))
            assert result.score_details.uncertainty.num_samples == len(of)
            interval = result.score_details.uncertainty.confidence_interval
            assert interval is not None
            assert interval.lower <= result.score_details.score <= interval.upper


def test_the_untouched_model_is_called_as_the_hub_calls_it_and_a_student_by_what_it_is(written):
    by_id = {log.model_info.id: log for log in logs(written).values()}
    base, student = "HuggingFaceTB/SmolLM2-135M-Instruct", "offbook/smollm2-135m-instruct-mind-s0"
    assert set(by_id) == {base, student}
    assert by_id[base].source_metadata.evaluator_relationship == "third_party"
    assert by_id[base].model_info.additional_details.model_availability == "open_weights"
    told = by_id[student].model_info.additional_details
    assert (told.base_model, told.trained_by, told.training_seed) == (base, "mind", "0")
    assert by_id[student].source_metadata.source_organization_name == "Somebody"


def test_what_a_decoder_did_stands_beside_its_score(written):
    decoders = {
        result.generation_config.additional_details["decoder"]: result.score_details.details
        for log in logs(written).values()
        for result in log.evaluation_results
        if "decoder" in result.generation_config.additional_details
    }
    assert set(decoders) == {"eagle2", "jakiro"}
    assert all(details["losslessness"] == "lossless" for details in decoders.values())
    assert all(float(details["acceptance_length"]) > 1 for details in decoders.values())


def test_the_same_record_is_the_same_file_each_time(written, tmp_path):
    write_every_eval_ever([a_cell()], DocumentsAtHand(), tmp_path, organisation="Somebody")
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert path.read_bytes() == (written / path.relative_to(tmp_path)).read_bytes()


def test_without_its_questions_a_record_is_reported_without_samples(tmp_path):
    (name,) = write_every_eval_ever([a_cell()], nothing_at_hand, tmp_path)
    (log,) = logs(tmp_path).values()
    assert name.endswith(".json")
    assert log.detailed_evaluation_results is None


def test_scores_that_are_no_shares_are_no_result(tmp_path):
    with pytest.raises(ValueError, match="expected a suite whose score is a share from 0 to 1, found none"):
        write_every_eval_ever([exam(scores={"sums": [3.0, 4.0]})], nothing_at_hand, tmp_path)
    write_every_eval_ever([exam(scores={"sums": [3.0, 4.0], "dates": [1.0, 0.0]})], nothing_at_hand, tmp_path)
    (log,) = logs(tmp_path).values()
    assert [result.evaluation_name for result in log.evaluation_results] == ["dates"]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda log: log["evaluation_results"][0]["score_details"].update(score=1.5),
        lambda log: log["model_info"]["additional_details"].pop("deployment_type"),
        lambda log: log["model_info"].update(id="no-developer"),
        lambda log: log["detailed_evaluation_results"].update(file_path="samples.jsonl"),
        lambda log: log.update(schema_version="0.2.2"),
        lambda log: log.update(further="field"),
    ],
    ids=[
        "a score over 1",
        "no deployment type",
        "no developer",
        "samples elsewhere",
        "another version",
        "a field more",
    ],
)
def test_what_the_validator_refuses_is_refused_here(written, wrong):
    content = json.loads(next(iter(logs(written))).read_text(encoding="utf-8"))
    wrong(content)
    with pytest.raises(ValidationError):
        EvaluationLog.model_validate(content)


def test_every_eval_ever_itself_validates_them(written):
    types = pytest.importorskip("every_eval_ever.eval_types", reason="every_eval_ever is not installed")
    for path in logs(written):
        types.EvaluationLog.model_validate_json(path.read_text(encoding="utf-8"))


def test_the_command_writes_them(tmp_path, capsys):
    place = next((RESULTS / "records").glob(f"*-{a_cell().record.key[:12]}.json"))
    with pytest.raises(SystemExit) as end:
        main(["export", "every-eval-ever", str(place), "--output", str(tmp_path / "out"), "--organisation", "Me"])
    assert end.value.code == 0
    assert capsys.readouterr().err.splitlines() == ["2 files"]
    (log,) = logs(tmp_path / "out").values()
    assert log.source_metadata.source_organization_name == "Me"
