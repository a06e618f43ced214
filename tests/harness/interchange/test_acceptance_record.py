"""AIPerf's record of one answer's acceptance: its own identities hold, and it counts what the record's rows count."""

import json

import pytest
from pydantic import ValidationError

from offbook.harness.cli.main import main
from offbook.harness.interchange.acceptance import AcceptanceRecord, acceptance_record, write_acceptance
from tests.harness.interchange.committed import RESULTS, a_cell, an_exam

WHICH = {"request_id", "record", "suite", "decoder", "temperature"}
# The fields of `SpecDecodeAcceptanceRecord`, by ai-dynamo/aiperf at 0786f0c; the first seven have no default there.
REQUIRED = {
    *("engine", "mean_acceptance_length", "draft_acceptance_rate", "acceptance_histogram"),
    *("num_accepted_draft_tokens", "num_draft_tokens", "num_spec_steps"),
}
OPTIONAL = {"num_spec_tokens", "completion_tokens", "per_step_accepted", "per_step_drafted"}


def test_it_has_the_fields_of_aiperf_and_no_others():
    fields = AcceptanceRecord.model_fields
    assert set(fields) == REQUIRED | OPTIONAL
    assert {name for name, field in fields.items() if field.is_required()} == REQUIRED


def test_committed_answers_give_a_record_each_that_adds_up(tmp_path):
    cell = a_cell()
    (name,) = write_acceptance([cell, a_cell("autoregressive"), an_exam()], tmp_path)
    lines = [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]
    assert len(lines) == len(cell.rows)
    for line, row in zip(lines, cell.rows, strict=True):
        assert line["request_id"] == f"{cell.record.key[:12]}/{row.doc_id}"
        record = AcceptanceRecord.model_validate({name: value for name, value in line.items() if name not in WHICH})
        assert record.num_spec_steps == len(row.rounds)
        assert record.completion_tokens == len(row.tokens)
        assert record.per_step_accepted == [accepted for _, _, accepted, _ in row.rounds]
        assert record.mean_acceptance_length == pytest.approx(1 + record.num_accepted_draft_tokens / len(row.rounds))


def test_aiperf_itself_reads_the_lines(tmp_path):
    models = pytest.importorskip("aiperf.common.models.spec_decode_models", reason="aiperf is not installed")
    (name,) = write_acceptance([a_cell()], tmp_path)
    for line in (tmp_path / name).read_text().splitlines():
        assert models.SpecDecodeAcceptanceRecord.model_validate_json(line).engine == "offbook"


def test_an_answer_that_the_prefill_ended_has_no_record(make_row):
    assert acceptance_record(make_row(rounds=())) is None


def test_a_round_without_candidates_counts_as_one_that_accepted_none(make_row):
    found = acceptance_record(make_row(rounds=((0, 0, 0, 1), (4, 2, 2, 3))))
    assert found is not None
    assert found.acceptance_histogram == {0: 1, 2: 1}
    assert (found.num_draft_tokens, found.draft_acceptance_rate, found.mean_acceptance_length) == (4, 0.5, 2.0)


@pytest.mark.parametrize("wrong", [{"num_spec_steps": 3}, {"num_accepted_draft_tokens": 1}, {"num_draft_tokens": 1}])
def test_counts_that_contradict_each_other_are_refused(make_row, wrong):
    found = acceptance_record(make_row(rounds=((4, 2, 2, 3), (0, 0, 0, 1))))
    assert found is not None
    with pytest.raises(ValidationError, match="by the histogram"):
        AcceptanceRecord.model_validate(found.model_dump() | wrong)


def test_records_in_which_nobody_drafted_are_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a record of a decoder that drafts, found none"):
        write_acceptance([a_cell("autoregressive")], tmp_path)


def test_the_command_writes_them(tmp_path, capsys):
    place = next((RESULTS / "records").glob(f"*-{a_cell().record.key[:12]}.json"))
    with pytest.raises(SystemExit) as end:
        main(["export", "aiperf", str(place), "--output", str(tmp_path / "out")])
    assert end.value.code == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "out")
    assert len(list((tmp_path / "out").glob("*.jsonl"))) == 1
