"""The record: what moves a cell's key, what a row must add up to, and round trips through bytes."""

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.generation import Generation, Round
from offbook.harness.records.cell import HARNESS_SEMANTICS, CellRecord, CellSpec, LimitsSpec
from offbook.harness.records.document_row import DocumentRow
from offbook.harness.records.drafter import DrafterId
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.origin import Origin
from offbook.harness.records.record import rows_from_bytes, rows_to_bytes
from offbook.harness.records.student import StudentId

OTHER_VALUES: dict[str, Any] = {
    "model": "other",
    "weights_sha256": "00" * 32,
    "revision": "main",
    "settings_sha256": "33" * 32,
    "student": StudentId(name="mind", method="mind"),
    "made_by": Origin(distribution="theirs", version="1"),
    "layout": "packed",
    "tuning": "44" * 32,
    "decoder": "eagle2",
    "decoder_config": {"depth": 3},
    "drafter": DrafterId(sha256="11" * 32),
    "suite": "offbook_chat",
    "suite_fingerprint": "22" * 32,
    "seed": 1,
    "temperature": 1.0,
    "top_k": 5,
    "top_p": 0.9,
    "limits": LimitsSpec(max_new_tokens=65, eos_token_ids=(2,), stop_strings=("\n\n",)),
    "dtype": "bfloat16",
    "n_docs": 3,
    "chat_template": False,
    "harness_semantics": HARNESS_SEMANTICS + 1,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def test_every_field_has_a_changed_value_to_test() -> None:
    assert OTHER_VALUES.keys() == CellSpec.model_fields.keys()


@pytest.mark.parametrize("field", CellSpec.model_fields)
def test_a_change_of_any_field_moves_the_key(field: str, make_spec: Any) -> None:
    assert make_spec(**{field: OTHER_VALUES[field]}).key() != make_spec().key()


@pytest.mark.parametrize("field", CellSpec.model_fields)
def test_every_field_but_what_stands_beside_the_weights_moves_the_setting(field: str, make_spec: Any) -> None:
    same = make_spec(**{field: OTHER_VALUES[field]}).setting() == make_spec().setting()
    assert same == (field == "settings_sha256")


def test_a_rerun_may_have_another_drafter_for_the_same_model_and_a_student_other_weights(make_spec: Any) -> None:
    own, other = (make_spec(drafter=DrafterId(sha256=name * 32)).setting() for name in ("11", "22"))
    assert own == other != make_spec().setting()
    assert own != make_spec(drafter=DrafterId(sha256="11" * 32, made_for="base")).setting()
    assert own != make_spec(drafter=DrafterId(sha256="11" * 32, variant={"experts": 3})).setting()
    assert "variant" not in DrafterId(sha256="11" * 32).model_dump(), "hashes of older records hold"
    student = StudentId(name="mind", method="mind")
    students = {make_spec(student=student, weights_sha256=name * 32).setting() for name in ("11", "22")}
    assert len(students) == 1
    assert make_spec(weights_sha256="11" * 32).setting() != make_spec(weights_sha256="22" * 32).setting()


@pytest.mark.parametrize("field", LimitsSpec.model_fields)
def test_a_change_of_any_limit_moves_the_key(field: str, make_spec: Any) -> None:
    other = {"max_new_tokens": 7, "eos_token_ids": (2, 3), "stop_strings": ()}[field]
    limits = make_spec().limits.model_copy(update={field: other})
    assert make_spec(limits=limits).key() != make_spec().key()


@given(config=st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_the_order_of_a_configuration_does_not_move_the_hash(config: dict[str, Any]) -> None:
    backwards = dict(reversed(config.items()))
    assert canonical_sha256(backwards) == canonical_sha256(config)


@given(number=st.integers(-(2**53), 2**53))
def test_equal_numbers_have_one_hash(number: int) -> None:
    assert canonical_sha256({"x": [number]}) == canonical_sha256({"x": [float(number)]})
    assert canonical_sha256({"x": [number]}) != canonical_sha256({"x": [number + 1]})


@given(config=st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_the_key_survives_a_trip_through_json(config: dict[str, Any]) -> None:
    limits = LimitsSpec(max_new_tokens=5)
    spec = CellSpec(**{**OTHER_VALUES, "limits": limits, "decoder_config": config})
    assert CellSpec.model_validate_json(spec.model_dump_json()).key() == spec.key()


def test_true_and_one_are_different_settings() -> None:
    assert canonical_sha256({"x": True}) != canonical_sha256({"x": 1})


def test_the_order_of_end_of_sequence_ids_does_not_matter() -> None:
    a = LimitsSpec.of(Limits(max_new_tokens=4, eos_token_ids=frozenset({7, 3})))
    assert a == LimitsSpec(max_new_tokens=4, eos_token_ids=(7, 3, 7))


@pytest.mark.parametrize(
    "change", [{"temperature": float("nan")}, {"top_p": 0.0}, {"n_docs": 0}, {"hostname": "x"}, {"top_k": -1}]
)
def test_a_specification_out_of_range_is_refused(change: dict[str, Any], make_spec: Any) -> None:
    with pytest.raises(ValidationError):
        make_spec(**change)


def test_a_setting_that_is_not_finite_has_no_key(make_spec: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # pydantic's or json's, both are right
        make_spec(decoder_config={"x": float("inf")}).key()


def test_a_row_keeps_the_generation_to_the_last_bit() -> None:
    generation = Generation(
        prompt_tokens=4,
        tokens=(5, 6, 7, 8, 2),
        prefill_committed=2,
        finish_reason="eos",
        rounds=(Round(drafted=5, offered=3, accepted=2, committed=3),),
        draft_forwards=3,
        prefill_s=0.1,
        decode_s=1 / 3,
        draft_s=None,
        target_s=0.2,
        peak_bytes=123,
    )
    row = DocumentRow.from_generation(generation, doc_id=1, doc_hash="h", text="|\n\u2028é", scores={"acc": 1.0})
    back = DocumentRow.model_validate_json(row.model_dump_json())
    assert back == row
    assert back.generation() == generation


def test_rows_are_one_line_each_whatever_the_text_behind_one_that_names_their_record(
    make_row: Any, make_record: Any
) -> None:
    rows, record = [make_row(0, text="a\nb\r\n\x85\u2028"), make_row(1)], make_record()
    data = rows_to_bytes(record.key, rows)
    assert data.count(b"\n") == 3
    assert rows_from_bytes(record, data) == rows
    with pytest.raises(ValueError, match="expected 2 rows of"):
        rows_from_bytes(record, rows_to_bytes("00" * 32, rows))


@pytest.mark.parametrize(
    ("rounds", "tokens"),
    [
        (((4, 2, 2, 3),), (1, 2, 3)),  # 1 + 3 tokens claimed, 3 delivered
        (((4, 2, 2, 3),), (1, 2, 3, 4, 5)),  # 1 + 3 tokens claimed, 5 delivered
        ((), (1, 2)),  # 1 token claimed, 2 delivered
        (((4, 2, 3, 4),), (1, 2, 3, 4, 5)),  # accepted more than was offered
        (((1, 2, 1, 2),), (1, 2, 3)),  # offered at more levels than it has candidates
        (((4, 3, 1, 2),), (1, 2, 3)),  # offered behind a candidate that was not accepted
        (((4, 2, 1, 1),), (1, 2)),  # offered behind where the answer was cut
        (((4, 2, 1, 3),), (1, 2, 3, 4)),  # committed two bonus tokens
        (((4, 2, 2, 1),), (1, 2)),  # accepted what was not committed
    ],
)
def test_a_decoder_that_miscounts_is_caught(
    rounds: tuple[tuple[int, int, int, int], ...], tokens: tuple[int, ...], make_row: Any
) -> None:
    with pytest.raises(ValidationError, match="miscounts"):
        make_row(rounds=rounds, tokens=tokens)


def test_the_prefill_commits_a_token_at_least(make_row: Any) -> None:
    with pytest.raises(ValidationError, match="prefill_committed"):
        make_row(rounds=((4, 2, 2, 3),), tokens=(1, 2, 3), prefill_committed=0)


def test_a_prefill_that_commits_several_tokens_is_accounted_for(make_row: Any) -> None:
    row = make_row(rounds=((4, 2, 2, 3),), tokens=(1, 2, 3, 4, 5), prefill_committed=2)
    assert row.generation().prefill_committed == 2


def test_a_record_survives_a_trip_through_json(make_record: Any) -> None:
    record = make_record()
    assert CellRecord.model_validate_json(record.model_dump_json()) == record
    assert json.loads(record.model_dump_json())["schema_version"] == 2


@pytest.mark.parametrize("name", ["../x.jsonl", "/etc/x.jsonl", "a/b.jsonl", "x.json", ".x.jsonl"])
def test_a_rows_file_cannot_lie_elsewhere(name: str, make_record: Any) -> None:
    with pytest.raises(ValidationError):
        make_record(rows_file=name)


def test_generation_and_row_have_the_same_fields() -> None:
    ours = set(DocumentRow.model_fields) - {"doc_id", "doc_hash", "text", "scores", "cluster", "choices"}
    assert ours == {field.name for field in dataclasses.fields(Generation)}
