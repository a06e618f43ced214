"""Every field of what a record is keyed on moves its key; the order of fields does not."""

import json
from typing import Any

import pytest

from offbook.harness.records.cell import CellSpec, LimitsSpec
from offbook.harness.records.drafter import DrafterId
from offbook.harness.records.exam import SittingSpec, SuiteSpec
from offbook.harness.records.origin import Origin
from offbook.harness.records.student import StudentId
from tests.variations import variations

THEIRS = Origin(distribution="theirs", version="1", code_sha256="ab")
STUDENT = StudentId(
    name="mind",
    method="mind",
    made_by=THEIRS,
    options={"beta": 0.5},
    training={"gradient_tokens": 9},
    seed=1,
    corpus_sha256="ab",
    helpers={"encoder": "cd"},
)
SITTING = SittingSpec(
    model="tiny",
    revision="main",
    base_sha256="ab",
    weights_sha256="cd",
    settings_sha256="ef",
    suites=(SuiteSpec(name="s", group="id", fingerprint="01", n_docs=3, origin="here"),),
    max_new_tokens=8,
    batch_size=4,
    dtype="float32",
    chat_template=True,
    student=STUDENT,
)
CELL = CellSpec(
    model="tiny",
    revision="main",
    weights_sha256="ab",
    settings_sha256="cd",
    student=STUDENT,
    decoder="eagle2",
    made_by=THEIRS,
    decoder_config={"total_tokens": 4},
    drafter=DrafterId(sha256="ef", made_for="base", variant={"experts": 3}),
    suite="s",
    suite_fingerprint="01",
    seed=0,
    temperature=0.0,
    top_k=0,
    top_p=1.0,
    limits=LimitsSpec(max_new_tokens=8, eos_token_ids=(2,), stop_strings=("x",)),
    dtype="float32",
    n_docs=3,
    chat_template=True,
)


@pytest.mark.parametrize("spec", [SITTING, CELL], ids=["exam", "cell"])
def test_every_field_moves_the_key(spec):
    changed = variations(spec)
    paths = [path for path, _ in changed]
    assert {path.split(".")[0] for path in paths} >= set(type(spec).model_fields) - {"limits"}
    keys = {path: type(spec).model_validate_json(other.model_dump_json()).key() for path, other in changed}
    assert [path for path, key in keys.items() if key == spec.key()] == []
    assert len(set(keys.values())) == len(paths)


@pytest.mark.parametrize("spec", [SITTING, CELL], ids=["exam", "cell"])
def test_the_order_of_fields_does_not(spec):
    def turned(value: Any) -> Any:
        return {k: turned(value[k]) for k in reversed(value)} if isinstance(value, dict) else value

    other = type(spec).model_validate_json(json.dumps(turned(spec.model_dump(mode="json"))))
    assert other.key() == spec.key()
