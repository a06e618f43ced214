"""Records of one store that name a recipe were measured on the same weights, or `verify` says so."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from offbook.harness.records import checked
from offbook.harness.records.damaged import DamagedError
from offbook.harness.records.exam import SuiteSpec
from offbook.harness.records.record import AnyRecord, stem
from offbook.harness.records.store import Store
from offbook.harness.records.verify import verify, whole
from tests.harness.records.test_exam import record as exam_record
from tests.harness.records.test_exam import row as answer
from tests.harness.records.test_exam import spec as sitting

OLD, NEW = "12" * 32, "34" * 32
STUDENT = {"name": "single", "method": "single_rationale", "training": {"steps": 1}, "corpus_sha256": "cd" * 32}


def exam(store: Store, weights: str, suite: str, *, trial: str, **changes: Any) -> AnyRecord:
    suites = [SuiteSpec(name=suite, group="id", fingerprint="f1", n_docs=1)]
    of = sitting(weights_sha256=weights, suites=suites, **changes)
    (record,) = store.commit([(exam_record(of, metrics={suite: "acc"}, trial=trial), [answer(suite, 0)])])
    return record


def heat(store: Store, make_heat: Any, recipes: dict[str, Any], *, drafter: str = OLD, **changes: Any) -> Any:
    """A heat of one student with two arms."""
    cells = make_heat(heat_id=str(changes), student=STUDENT, **changes)
    entries = []
    for cell in cells:
        spec = cell.record.spec
        if spec.drafter is not None:
            spec = spec.model_copy(update={"drafter": spec.drafter.model_copy(update={"sha256": drafter})})
        manifest = cell.record.manifest | {"recipes": recipes, "heat": {"arms": ["autoregressive", "eagle2"]}}
        entries.append(
            (cell.record.model_copy(update={"spec": spec, "key": spec.key(), "manifest": manifest}), cell.rows)
        )
    return store.commit(entries)


def findings(store: Store, *told: AnyRecord) -> Sequence[str]:
    found = verify(store).findings
    assert sorted(line.partition(": ")[0] for line in found) == sorted(f"{stem(record)}.json" for record in told)
    assert verify(Store(store.root), again=True).findings == found
    return found


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(checked, "SETTLED_NS", -checked.SETTLED_NS)
    return Store(tmp_path)


def test_a_student_that_was_replaced_is_told_until_its_old_records_are_run_again(store: Store) -> None:
    old = exam(store, OLD, "sums", trial="one")
    assert findings(store) == ()
    new = exam(store, NEW, "dates", trial="two")
    (told,) = findings(store, old)
    assert f"expected the student {NEW[:12]} of {stem(new)}.json, which has the same recipe, got {OLD[:12]}" in told
    assert "delete this record and run it again" in told
    with pytest.raises(DamagedError, match="was replaced or made again"):
        whole(store)
    (store.root / "records" / f"{stem(old)}.json").unlink()
    assert store.retire_rest("one") == [f"{stem(old)}.json"]
    exam(store, NEW, "sums", trial="one")
    assert findings(store) == ()
    assert len(whole(store).exams) == 2


@pytest.mark.parametrize(
    "changes", [{"base_sha256": "99" * 32}, {"settings_sha256": "99" * 32}, {"seed": 5}, {"max_new_tokens": 65}]
)
def test_a_student_of_another_recipe_may_have_other_weights(changes: dict[str, Any], store: Store) -> None:
    exam(store, OLD, "sums", trial="one")
    exam(store, NEW, "sums", trial="two", **changes)
    assert findings(store) == ()


def test_a_store_that_was_merged_does_without_the_records_of_one_side_as_it_is_told(
    store: Store, make_heat: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    exam(store, OLD, "sums", trial="one")
    heat(store, make_heat, {"student": "a"}, weights_sha256=OLD)
    other = Store(tmp_path_factory.mktemp("other"))
    kept = heat(other, make_heat, {"student": "a"}, weights_sha256=NEW, seed=1)
    for folder in ("records", "rows"):
        shutil.copytree(other.root / folder, store.root / folder, dirs_exist_ok=True)
    ledger = store.root / "ledger.jsonl"
    ledger.write_text(ledger.read_text() + (other.root / "ledger.jsonl").read_text())
    told, _ = verify(Store(store.root)).findings
    assert "was replaced or made again, or two stores were merged; delete this record" in told
    files, _, lines = told.partition("; or do without it: delete ")[2].partition(" and, of ledger.jsonl, ")
    assert lines == "lines 2-3"
    for name in files.split(", "):
        (store.root / name).unlink()
    texts = ledger.read_text().splitlines(keepends=True)
    ledger.write_text("".join([texts[0], *texts[3:]]))
    left = verify(Store(store.root))
    assert left.findings == ()
    assert {record.key for record in kept} < {held.line.key for held in left.held}


def test_cells_are_of_the_student_and_of_the_drafter_that_their_recipes_name(store: Store, make_heat: Any) -> None:
    recipes = {"student": "a", "drafters": {"eagle2": "b"}}
    first = heat(store, make_heat, recipes, weights_sha256=OLD)
    heat(store, make_heat, {"student": "c", "drafters": {"eagle2": "d"}}, weights_sha256=NEW, seed=1, drafter=NEW)
    assert findings(store) == ()
    other = heat(store, make_heat, recipes | {"student": "e"}, weights_sha256=OLD, seed=2, drafter=NEW)
    (told,) = findings(store, first[1])
    assert f"expected the drafter {NEW[:12]} of {stem(other[1])}.json" in told
    heat(store, make_heat, {"student": "a"}, weights_sha256=NEW, seed=3)
    findings(store, *first)
