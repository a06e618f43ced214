"""Two runs, or two records, are compared document by document; what cannot be is refused or left open."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offbook.harness.records.cell import Cell
from offbook.harness.records.certificate import BASELINE, Certificate
from offbook.harness.records.store import Store
from offbook.harness.tables.compared import Compared, compare
from offbook.harness.tables.compared_lines import (
    ACCEPTANCE,
    METHOD,
    ONE_SEED,
    OTHER_HEATS,
    OTHER_TEXT,
    RATE,
    RIGHT,
    SAME,
)
from offbook.harness.tables.compared_sides import Side, side
from offbook.harness.tables.paired_decoders import LEAST
from tests.harness.tables.exams import exam, filled, three_students

LOSSLESS = {"kind": "greedy_identity", "verdict": "lossless"}
Make = Callable[..., Cell]


@pytest.fixture
def make(make_spec: Any, make_row: Any, make_record: Any) -> Make:
    """A cell of a decoder over documents that take it so many rounds of three tokens, and seconds, each."""

    def cell(
        decoder: str = "eagle2",
        *,
        documents: int = LEAST,
        accepted: int = 2,
        seconds: float = 0.5,
        right: float = 0.5,
        heat_id: str = "heat-1",
        verdict: str = "lossless",
        **spec: Any,
    ) -> Cell:
        plain = decoder == "autoregressive"
        rows = tuple(
            make_row(
                i,
                rounds=((0, 0, 0, 1),) * (6 + 6 * (i % 3))
                if plain
                else ((4, 2, accepted, accepted + 1),) * (2 + 2 * (i % 3)),
                decode_s=seconds * (1 + i % 3),
                target_s=seconds / 2,
                scores={"acc": float(i < right * documents)},
            )
            for i in range(documents)
        )
        drafter = {} if plain else {"drafter": {"sha256": "ef" * 32}}
        certificate = Certificate(**(LOSSLESS | {"verdict": verdict}), n=documents, identical=documents)
        record = make_record(
            make_spec(decoder=decoder, n_docs=documents, **(drafter | spec)),
            heat_id=heat_id,
            certificate=BASELINE if plain else certificate,
            drafter=None if plain else {"parameters": 9},
        )
        return Cell(record=record, rows=rows)

    return cell


def folder(*cells: Cell, name: str = "a") -> Side:
    return Side(name=name, cells=cells)


def single(cell: Cell, name: str = "a") -> Side:
    return Side(name=name, cells=(cell,), single=True)


def line(found: Compared, quantity: str, **where: Any) -> dict[Any, Any]:
    rows = found.lines.rows
    for name, value in {"quantity": quantity, **where}.items():
        rows = rows[rows[name] == value]
    (row,) = rows.to_dict("records")
    return row


def differing(found: Compared, of: str = "setting") -> dict[str, tuple[str, str]]:
    rows = found.settings.rows
    return {row["name"]: (row["a"], row["b"]) for row in rows[rows["of"] == of].to_dict("records")}


def test_two_records_of_one_heat_are_judged_in_everything(make: Make) -> None:
    found = compare(single(make("eagle2", accepted=2)), single(make("jakiro", accepted=1, seconds=1.0)))
    accepted = line(found, ACCEPTANCE)
    assert (accepted["a"], accepted["b"]) == ("eagle2, T 0", "jakiro, T 0")
    assert (accepted["value_a"], accepted["value_b"], accepted["change"]) == (3.0, 2.0, 1.0)
    assert accepted["verdict"] == "more"
    assert line(found, RATE)["verdict"] == "faster"
    assert line(found, RIGHT)["verdict"] == "tie"
    assert line(found, SAME)["change"] == 0
    assert differing(found)["decoder"] == ("eagle2", "jakiro")


def test_the_other_way_round_is_the_opposite(make: Make) -> None:
    a, b = make("eagle2", accepted=2), make("jakiro", accepted=1, seconds=1.0)
    there, back = compare(single(a), single(b)), compare(single(b), single(a))
    assert line(back, ACCEPTANCE)["change"] == -line(there, ACCEPTANCE)["change"]
    assert line(back, RATE)["change"] == pytest.approx(1 / line(there, RATE)["change"])
    assert (line(back, ACCEPTANCE)["verdict"], line(back, RATE)["verdict"]) == ("fewer", "slower")


def test_speed_of_other_heats_is_told_and_not_judged(make: Make) -> None:
    found = compare(folder(make()), folder(make(seconds=1.0, heat_id="heat-2"), name="b"))
    rate = line(found, RATE)
    assert rate["change"] > 1
    assert (rate["verdict"], rate["why"], rate["family"]) == ("open", OTHER_HEATS, 0)
    assert line(found, ACCEPTANCE)["verdict"] == "tie"
    assert line(found, SAME)["change"] == 1


def test_few_documents_are_told_and_not_judged(make: Make) -> None:
    found = compare(single(make(documents=LEAST - 1)), single(make("jakiro", documents=LEAST - 1, accepted=1)))
    assert set(found.lines.rows["verdict"]) == {"open", "-"}
    assert line(found, ACCEPTANCE)["change"] == 1


def test_who_says_another_text_is_judged_by_its_answers_alone(make: Make) -> None:
    found = compare(single(make()), single(make("medusa_typical", accepted=1, right=1.0, verdict="differs")))
    assert line(found, ACCEPTANCE)["why"] == line(found, RATE)["why"] == OTHER_TEXT
    assert line(found, RIGHT)["verdict"] == "worse"


def test_documents_that_both_have_are_compared(make: Make) -> None:
    found = compare(folder(make(documents=50)), folder(make(documents=LEAST, heat_id="heat-2"), name="b"))
    assert line(found, ACCEPTANCE)["n_docs"] == LEAST
    assert differing(found)["n_docs"] == ("50", str(LEAST))


def test_a_contender_of_a_run_meets_its_like_in_the_other(make: Make) -> None:
    small, large = {"total_tokens": 16}, {"total_tokens": 32}
    a = folder(make(decoder_config=small), make(decoder_config=large), make("autoregressive"))
    b = folder(
        make(decoder_config=large, heat_id="heat-2"), make("autoregressive", heat_id="heat-2"), make("medusa"), name="b"
    )
    found = compare(a, b)
    assert list(found.lines.rows.loc[found.lines.rows["quantity"] == SAME, "a"]) == [
        "autoregressive, T 0",
        "eagle2, T 0",
    ]
    assert differing(found) == {}
    assert found.left == ("eagle2, T 0: on side A alone", "medusa, T 0: on side B alone")


def test_one_that_has_other_settings_meets_the_only_one_left(make: Make) -> None:
    found = compare(folder(make(layout="packed")), folder(make(layout="prepacked", heat_id="heat-2"), name="b"))
    assert differing(found) == {"layout": ("packed", "prepacked")}


def test_what_two_machines_differ_in_is_told(make: Make) -> None:
    ours, theirs = make(), make(heat_id="heat-2")
    manifest = {**theirs.record.manifest, "cpu": "Other", "git": {"commit": "1" * 40}, "utc": "later"}
    theirs = Cell(record=theirs.record.model_copy(update={"manifest": manifest}), rows=theirs.rows)
    found = compare(folder(ours), folder(theirs, name="b"))
    assert differing(found, "machine") == {"cpu": ("Toy | CPU", "Other")}
    assert differing(found, "code") == {"git.commit": ("-", "1" * 40)}
    assert [machines[0].partition(",")[0] for machines in found.machines] == ["Toy | CPU", "Other"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"suite": "offbook_qa"}, "expected documents that both were asked in the same way, found none"),
        ({"suite_fingerprint": "99" * 32}, "expected documents that both were asked in the same way, found none"),
    ],
)
def test_records_without_common_documents_are_refused_in_one_line(make: Make, changes: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as refusal:
        compare(single(make()), single(make(**changes), "b"))
    assert "\n" not in str(refusal.value)


def test_runs_without_a_common_contender_are_refused_with_their_names(make: Make) -> None:
    with pytest.raises(ValueError, match=r"a decoder or a student that is in both, got eagle2, and medusa; name two"):
        compare(folder(make()), folder(make("medusa"), name="b"))


def test_a_cell_is_not_compared_with_an_exam(make: Make) -> None:
    with pytest.raises(ValueError, match="got a decoder's and an exam's; choose two of a kind"):
        compare(single(make()), Side(name="b", exams=(exam(),), single=True))


def test_students_are_compared_by_exams_and_over_seeds_where_both_have_several() -> None:
    students = [one for one in three_students() if one.record.spec.student.name in ("mind", "untouched")]
    worse = [exam("mind", seed, scores={"sums": [0.0] * 24, "dates": [1.0] * 24}) for seed in (0, 1)]
    found = compare(
        Side(name="a", exams=tuple(students)),
        Side(name="b", exams=(*worse, exam("untouched", scores={"sums": [0.0] * 24, "dates": [1.0] * 24}))),
    )
    right = line(found, RIGHT, group="id", a="mind, 2 seeds")
    assert (right["value_b"], right["verdict"], right["n_docs"]) == (0, "better", 24)
    assert line(found, METHOD, group="id")["verdict"] in ("better", "tie")
    assert line(found, RIGHT, group="ood", a="mind, 2 seeds")["verdict"] == "worse"


def test_over_a_single_seed_nothing_is_said_of_the_method() -> None:
    ours = (exam("mind", 0), exam("mind", 1))
    found = compare(Side(name="a", exams=ours), Side(name="b", exams=(exam("mind", 0, dtype="bfloat16"),)))
    assert {row["why"] for row in found.lines.rows.to_dict("records") if row["quantity"] == METHOD} == {ONE_SEED}
    assert differing(found) == {"dtype": ("float32", "bfloat16")}


def test_two_exams_that_were_named_are_compared_whoever_sat_them() -> None:
    a, b = (Side(name=name, exams=(exam(name, 3),), single=True) for name in ("mind", "uniform"))
    found = compare(a, b)
    assert (line(found, RIGHT, group="id")["a"], line(found, RIGHT, group="id")["b"]) == (
        "mind, seed 3",
        "uniform, seed 3",
    )
    assert set(found.lines.rows["verdict"]) == {"tie"}


def test_a_side_is_a_folder_a_file_or_a_key(make: Make, tmp_path: Path) -> None:
    cells = [make("autoregressive"), make()]
    Store(tmp_path).commit([(cell.record, cell.rows) for cell in cells])
    filled(tmp_path, [exam()])
    whole = side(str(tmp_path), tmp_path)
    assert (len(whole.cells), len(whole.exams), whole.single) == (2, 1, False)
    key = cells[1].record.key
    (file,) = (path for path in (tmp_path / "records").iterdir() if key[:12] in path.name)
    for what in (str(file), key, key[:12]):
        found = side(what, tmp_path)
        assert found.single
        assert [cell.record.key for cell in found.cells] == [key]


@pytest.mark.parametrize(
    ("what", "complaint"),
    [
        ("nowhere", "expected a folder with records, a file of its records/, or a record's key"),
        ("0123456789ab", "expected the key of one record in .*, found none; name the folder with --store"),
    ],
)
def test_what_is_no_side_is_told_in_one_line(what: str, complaint: str, make: Make, tmp_path: Path) -> None:
    cell = make("autoregressive")
    Store(tmp_path).commit([(cell.record, cell.rows)])
    with pytest.raises(ValueError, match=complaint):
        side(what, tmp_path)
    (tmp_path / "stray.json").write_text("{}")
    with pytest.raises(ValueError, match=r"expected a record of a store, FOLDER/records/NAME\.json, found none"):
        side(str(tmp_path / "stray.json"), tmp_path)
