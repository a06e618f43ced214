"""Records and answers as data frames: a row each, dimensions under equal names, what is not there is missing."""

import math
from pathlib import Path

import pandas as pd
import pytest

from offbook.harness.records.damaged import DamagedError
from offbook.harness.records.exam import AnswerRow
from offbook.harness.records.store import Store
from offbook.harness.records.student import StudentId
from offbook.harness.records.verify import whole
from offbook.harness.tables.decoders import leaderboard
from offbook.harness.tables.frames import answers, records
from offbook.harness.tables.frames_columns import ANSWERS, DIMENSIONS, RECORDS
from tests.harness.records.test_exam import record as exam_record

STUDENT = {"name": "mind, no attention", "method": "mind", "seed": 3, "corpus_sha256": "cd" * 32}


@pytest.fixture
def folder(tmp_path, make_heat) -> Path:
    store = Store(tmp_path / "store")
    cells = make_heat(student=STUDENT)
    store.commit([(cell.record, cell.rows) for cell in cells])
    exam = exam_record()
    rows = [
        AnswerRow(suite=suite, doc_id=doc, doc_hash="h", tokens=5, finished=suite == "sums", text="4", score=score)
        for suite, doc, score in (("sums", 0, 1.0), ("sums", 1, 0.0), ("dates", 0, 1.0))
    ]
    store.commit([(exam, rows)])
    return store.root


def test_a_record_is_a_row_with_the_dimensions_of_the_matrix(folder):
    table = records(folder)
    assert list(table.columns) == list(RECORDS)
    assert list(table.columns)[: len(DIMENSIONS)] == list(DIMENSIONS)
    assert len(table) == 3
    (fast,) = table[table["decoder"] == "eagle2"].to_dict("records")
    wanted = {
        "kind": "cell",
        "model": "toy",
        "student": "mind, no attention",
        "method": "mind",
        "training_seed": 3,
        "drafter_made_for": "target",
        "suite": "offbook_maths",
        "temperature": 0.0,
        "seed": 0,
        "n_docs": 2,
        "new_tokens": 11,
        "score": 0.5,
        "rounds": 4,
        "acceptance_length": 9 / 4,
        "acceptance_at_1": 3 / 4,
        "drafter_parameters": 1_200_000,
        "training_tokens": 5000,
        "draft_ms_per_round": pytest.approx(50),
        "tokens_per_s": pytest.approx(11 / 1.5),
        "speedup": pytest.approx(2.5 / 1.5),
        "verdict": "lossless",
    }
    assert {name: fast[name] for name in wanted} == wanted
    assert fast["finished_utc"].tzinfo is not None


def test_what_a_kind_of_record_does_not_have_is_missing(folder):
    table = records(folder).set_index("decoder")
    assert table.loc["autoregressive", "drafter_made_for"] is pd.NA
    assert table.loc["autoregressive", "speedup"] == 1
    assert table.loc["autoregressive", "drafter_parameters"] is pd.NA
    assert table.loc["eagle2", "drafter_gradient_tokens"] is pd.NA
    assert math.isnan(table.loc["eagle2", "acceptance_at_3"])
    (exam,) = records(folder).query("kind == 'exam'").to_dict("records")
    assert all(pd.isna(exam[name]) for name in ("decoder", "drafter_made_for", "seed", "rounds", "heat_id", "verdict"))
    assert math.isnan(exam["speedup"])
    assert (exam["suite"], exam["training_seed"], exam["gradient_tokens"]) == ("sums,dates", 1, 5000)
    assert (exam["n_docs"], exam["new_tokens"], exam["metric"]) == (3, 15, "acc")
    assert (exam["score"], exam["finished"]) == (pytest.approx(2 / 3), pytest.approx(2 / 3))


def test_answers_are_a_row_a_document_and_sum_to_their_record(folder):
    table = answers(folder)
    assert list(table.columns) == list(ANSWERS)
    assert {name: str(kind) for name, kind in table.dtypes.items()} == ANSWERS
    assert len(table) == 2 + 2 + 3
    assert list(table[table["kind"] == "exam"]["suite"]) == ["sums", "sums", "dates"]
    sums = table.groupby("key")[["new_tokens", "rounds", "draft_forwards"]].sum()
    for record in records(folder).query("kind == 'cell'").to_dict("records"):
        assert all(sums.loc[record["key"], name] == record[name] for name in sums.columns)
    fast = table[table["decoder"] == "eagle2"]
    assert (list(fast["drafted"]), list(fast["accepted"])) == ([8, 8], [4, 1])
    assert list(fast["score"]) == [1, 0]


def test_the_untouched_model_has_no_training_seed(tmp_path, make_heat):
    store = Store(tmp_path)
    store.commit([(cell.record, cell.rows) for cell in make_heat()])
    table = records(tmp_path)
    assert set(table["student"]) == {StudentId().name} == {"untouched"}
    assert table["training_seed"].isna().all()


@pytest.mark.parametrize("read", [records, answers])
def test_no_frame_is_made_of_a_damaged_store(folder, read):
    rows = next((folder / "rows").glob("exam*.jsonl"), None) or next((folder / "rows").iterdir())
    rows.write_text(rows.read_text().replace('"score":1.0', '"score":0.0').replace('"acc":1.0', '"acc":0.0'))
    with pytest.raises(DamagedError, match="expected SHA-256"):
        read(folder)


def test_a_folder_that_is_no_store_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a store with a folder records/, found none"):
        records(tmp_path / "nowhere")


def test_speeds_are_over_ones_own_layout_and_over_the_fastest_exact_plain_row(tmp_path, make_heat):
    plain, fast = make_heat()
    quarter = {"prefill_s": 0.1, "decode_s": 0.25, "draft_s": 0.0, "target_s": 0.25, "times": ()}
    quicker = [row.model_copy(update=quarter) for row in plain.rows]
    packed = plain.record.spec.model_copy(update={"layout": "packed"})
    other = plain.record.model_copy(
        update={"key": packed.key(), "spec": packed, "certificate": fast.record.certificate.model_copy()}
    )
    store = Store(tmp_path)
    store.commit([(plain.record, plain.rows), (fast.record, fast.rows), (other, quicker)])
    table = records(tmp_path).set_index(["decoder", "layout"])
    board = leaderboard([*whole(store).cells])
    for row in board[board["suite"] != "all"].to_dict("records"):
        ours = table.loc[row["decoder"], row["layout"]]
        for name in ("speedup", "speedup_fastest", "speedup_decode", "speedup_decode_fastest", "decode_tokens_per_s"):
            assert ours[name] == pytest.approx(row[name]), name
    assert table.loc[("autoregressive", "packed"), "speedup"] == 1
    assert table.loc[("autoregressive", "transformers"), "speedup_fastest"] < 1


def test_what_a_controller_expected_stands_beside_what_held(tmp_path, make_heat):
    plain, fast = make_heat()
    rows = [row.model_copy(update={"predicted": tuple((0.75, 0.5) for _ in row.rounds)}) for row in fast.rows]
    store = Store(tmp_path)
    store.commit([(plain.record, plain.rows), (fast.record, rows)])
    found = records(tmp_path).set_index("decoder")
    assert found.loc["eagle2", "survival_predicted_at_1"] == 0.75
    assert found.loc["eagle2", "survival_predicted_at_2"] == 0.5
    assert 0 <= found.loc["eagle2", "survival_at_2"] <= found.loc["eagle2", "survival_at_1"] <= 1
    assert math.isnan(found.loc["autoregressive", "survival_predicted_at_1"])
    told = answers(tmp_path).query("decoder == 'eagle2'")
    assert list(told["expected_accepted"]) == [1.25 * rounds for rounds in told["rounds"]]
    assert answers(tmp_path).query("decoder == 'autoregressive'")["expected_accepted"].isna().all()


def test_what_was_found_of_who_takes_part_stands_in_its_own_row(tmp_path, make_heat):
    plain, fast = make_heat()
    told = {"heat": {"arms": ["autoregressive", "eagle2"], "found": {"eagle2": "remembers other documents"}}}
    cells = [(cell.record.model_copy(update={"manifest": told}), cell.rows) for cell in (plain, fast)]
    store = Store(tmp_path)
    store.commit([cells[0], cells[1]])
    found = records(tmp_path).set_index("decoder")["found"]
    assert found["eagle2"] == "remembers other documents"
    assert pd.isna(found["autoregressive"])
