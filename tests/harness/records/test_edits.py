"""Whatever is edited, swapped, copied or deleted in a store is named by `verify`, and reaches no table.

One file at a time, or a file and the hash that names it. Who rewrites a record, its own hash and its line in the ledger
alike is caught where figures contradict each other; a consistent forgery of raw times is not (`records.consistency`).
"""

import copy
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from offbook.harness.cli.main import main
from offbook.harness.records import checked
from offbook.harness.records.consistency import together
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.store import Store
from offbook.harness.records.verify import verify, whole
from tests.harness.records.test_exam import ROWS
from tests.harness.records.test_exam import record as exam_record

Place = tuple[Any, ...]


@pytest.fixture
def root(tmp_path: Path, make_heat: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A heat of two arms and an exam, which were checked and are remembered as they are."""
    monkeypatch.setattr(checked, "SETTLED_NS", -checked.SETTLED_NS)
    cells = make_heat()
    manifest = cells[0].record.manifest | {"heat": {"arms": ["autoregressive", "eagle2"], "order": "rotated"}}
    store = Store(tmp_path / "store")
    store.commit([(cell.record.model_copy(update={"manifest": manifest}), cell.rows) for cell in cells])
    store.commit([(exam_record(), ROWS)])
    assert verify(store).findings == ()
    assert verify(store).unread == 3
    return store.root


def found(root: Path) -> bool:
    """Whether something is said to be wrong, and no table is made."""
    findings = verify(Store(root)).findings
    if findings:
        assert all("\n" not in told and len(told) < 600 for told in findings), findings
        with pytest.raises(ValueError, match=r"."):
            whole(Store(root))
    return bool(findings)


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if pairs is None:
        yield place, value
    else:
        for name, inner in pairs:
            yield from leaves(inner, (*place, name))


def edited(content: Any, place: Place, value: Any) -> Any:
    content = copy.deepcopy(content)
    inner = content
    for name in place[:-1]:
        inner = inner[name]
    other = not value if isinstance(value, bool) else value + 1 if isinstance(value, int | float) else f"{value}x"
    inner[place[-1]] = other
    return content


def one(root: Path, pattern: str) -> Path:
    (path,) = root.glob(pattern)
    return path


@pytest.mark.parametrize("pattern", ["records/*eagle2*", "records/*autoregressive*", "records/exam*"])
def test_every_edited_leaf_of_a_record(pattern: str, root: Path) -> None:
    path = one(root, pattern)
    content = json.loads(path.read_text())
    missed = []
    for place, value in leaves(content):
        path.write_text(json.dumps(edited(content, place, value)))
        if not found(root):
            missed.append(place)
    assert missed == []


@pytest.mark.parametrize("pattern", ["records/*eagle2*", "records/exam*"])
def test_every_edited_leaf_of_a_record_that_was_hashed_again(pattern: str, root: Path) -> None:
    """The file and its own hash; the ledger holds the old one."""
    path = one(root, pattern)
    content = json.loads(path.read_text())
    missed = []
    for place, value in leaves({name: part for name, part in content.items() if name != "sha256"}):
        forged = edited(content, place, value)
        path.write_text(json.dumps(forged | {"sha256": sha256(forged)}))
        if not found(root):
            missed.append(place)
    assert missed == []


@pytest.mark.parametrize("pattern", ["rows/*eagle2*", "rows/exam*"])
def test_every_edited_leaf_of_rows_and_of_rows_that_were_hashed_again(pattern: str, root: Path) -> None:
    path, missed = one(root, pattern), []
    record_path = next(r for r in (root / "records").iterdir() if path.stem.startswith(r.stem))
    lines, record = path.read_text().split("\n")[:-1], record_path.read_text()
    for number, line in enumerate(lines):
        for place, value in leaves(json.loads(line)):
            forged = json.dumps(edited(json.loads(line), place, value))
            data = "".join(f"{text}\n" for text in [*lines[:number], forged, *lines[number + 1 :]]).encode()
            path.write_bytes(data)
            for text in (record, json.dumps(json.loads(record) | {"rows_sha256": hashlib.sha256(data).hexdigest()})):
                record_path.write_text(text)
                if not found(root):
                    missed.append((number, place))
    assert missed == []


def test_every_edited_leaf_of_the_ledger(root: Path) -> None:
    path, missed = root / "ledger.jsonl", []
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        for place, value in leaves(json.loads(line)):
            forged = [*lines[:number], json.dumps(edited(json.loads(line), place, value)), *lines[number + 1 :]]
            path.write_text("\n".join(forged) + "\n")
            if not found(root):
                missed.append((number, place))
    assert missed == []


@pytest.mark.parametrize("lines", [1, 2])
def test_a_line_that_counts_fewer_records_than_its_heat_has_arms(lines: int, root: Path) -> None:
    ledger = root / "ledger.jsonl"
    ledger.write_text(ledger.read_text().replace('"of":2', '"of":1', lines))
    findings = verify(Store(root)).findings
    assert len(findings) == lines
    assert all("expected its line of the ledger to count 2 records, got 1" in told for told in findings)


def test_what_was_scored_again_was_committed_alone(root: Path) -> None:
    """But whatever was turned from schema 1 afterwards, which was committed with its heat."""
    record, rows = (store := Store(root)).cells()[1].record, store.cells()[1].rows
    for notes, counts in ((("rescored",), {1}), (("rescored", "upgraded"), {1, 2}), ((), {2})):
        manifest = record.manifest | {note: {} for note in notes}
        assert together(record.model_copy(update={"manifest": manifest})) == counts
    store.retire(record.key)
    store.commit([(record.model_copy(update={"manifest": record.manifest | {"rescored": {}}}), rows)])
    assert not any("of the ledger" in told for told in verify(store).findings)


def test_messages_say_what_differs(root: Path) -> None:
    names = [path.name for path in sorted((root / "records").iterdir())]
    swapped("records")(root)
    assert {told for told in verify(Store(root)).findings if "of its name" in told} == {
        f"{one}: expected the record of its name, got that of {other}; restore it, or delete it and run it again"
        for one, other in ((names[1], names[2]), (names[2], names[1]))
    }
    swapped("records")(root)
    ledger = root / "ledger.jsonl"
    ledger.write_text(ledger.read_text().replace('"trial":""', '"trial":"another"', 1))
    told = verify(Store(root)).findings[0]
    assert "expected the trial 'another' of its line of the ledger, got ''" in told


@pytest.mark.parametrize("command", ["verify", "report", "ls"])
def test_a_damaged_commit_under_way_is_told_by_every_command(
    command: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "pending").mkdir(exist_ok=True)
    (root / "pending" / "0123456789ab.json").write_text("[{}]")
    with pytest.raises(SystemExit) as end:
        main([command, str(root)])
    assert end.value.code == 1
    assert "0123456789ab.json: expected a commit under way, got something else" in "".join(capsys.readouterr())


def copied(root: Path) -> None:
    path = one(root, "records/*eagle2*")
    shutil.copy(path, path.with_name(f"copy-{path.stem.rsplit('-', 1)[1]}.json"))


def swapped(folder: str) -> Callable[[Path], None]:
    def swap(root: Path) -> None:
        one_path, other = one(root, f"{folder}/*eagle2*"), one(root, f"{folder}/*autoregressive*")
        first, second = one_path.read_bytes(), other.read_bytes()
        one_path.write_bytes(second)
        other.write_bytes(first)

    return swap


def without(pattern: str) -> Callable[[Path], None]:
    return lambda root: one(root, pattern).unlink()


def without_cell_and_line(root: Path) -> None:
    path = one(root, "records/*eagle2*")
    key = json.loads(path.read_text())["key"]
    path.unlink()
    ledger = root / "ledger.jsonl"
    ledger.write_text("".join(line for line in ledger.read_text().splitlines(keepends=True) if key not in line))


def without_line(root: Path) -> None:
    ledger = root / "ledger.jsonl"
    ledger.write_text("".join(ledger.read_text().splitlines(keepends=True)[1:]))


def said_twice(root: Path) -> None:
    path = one(root, "records/*eagle2*")
    path.write_text(path.read_text().replace('"metric":', '"metric": "acc", "metric":', 1))


def cut(pattern: str) -> Callable[[Path], None]:
    def truncate(root: Path) -> None:
        path = one(root, pattern)
        path.write_bytes(path.read_bytes()[:-20])

    return truncate


DAMAGES = {
    "a copy": copied,
    "swapped records": swapped("records"),
    "swapped rows": swapped("rows"),
    "a cell deleted": without("records/*eagle2*"),
    "the baseline deleted": without("records/*autoregressive*"),
    "an exam deleted": without("records/exam*"),
    "rows deleted": without("rows/*eagle2*"),
    "a cell deleted with its line": without_cell_and_line,
    "a line deleted": without_line,
    "the ledger deleted": without("ledger.jsonl"),
    "a key twice": said_twice,
    "a record cut off": cut("records/*eagle2*"),
    "rows cut off": cut("rows/*eagle2*"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_is_copied_swapped_cut_or_gone(damage: Callable[[Path], None], root: Path) -> None:
    damage(root)
    assert found(root)


def forge(root: Path, pattern: str, change: Callable[[Any], None]) -> None:
    """Changes a record with its own hash and its line in the ledger."""
    path, ledger = one(root, pattern), root / "ledger.jsonl"
    content = json.loads(path.read_text())
    change(content)
    content["sha256"] = sha256(content)
    path.write_text(json.dumps(content))
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    told = [line | {"sha256": content["sha256"]} if line["key"] == content["key"] else line for line in lines]
    ledger.write_text("".join(json.dumps(line) + "\n" for line in told))


def sha256(content: Any) -> str:
    return canonical_sha256({name: value for name, value in content.items() if name != "sha256"})


FORGERIES: dict[str, tuple[str, Callable[[Any], None]]] = {
    "more documents than there are": ("eagle2", lambda r: r["certificate"].update(n=999_999, identical=999_999)),
    "one document more": ("eagle2", lambda r: r["certificate"].update(n=3, identical=3)),
    "another verdict": ("eagle2", lambda r: r["certificate"].update(verdict="differs")),
    "a share above 1": ("eagle2", lambda r: r["certificate"].update(tv=1.5)),
    "a bound above 1": ("eagle2", lambda r: r["certificate"].update(tv_bound=1.5)),
    "a p-value below 0": ("eagle2", lambda r: r["certificate"].update(p_value=-0.1)),
    "a baseline that is none": ("eagle2", lambda r: r["certificate"].update(kind="baseline", verdict="baseline")),
    "no drafter": ("eagle2", lambda r: r.update(drafter=None)),
    "no time": ("eagle2", lambda r: r.update(wall_s=0.0)),
    "another time than its heat": ("eagle2", lambda r: r.update(wall_s=r["wall_s"] + 1)),
    "another heat": ("eagle2", lambda r: r.update(heat_id="other")),
    "an arm less": ("eagle2", lambda r: r["manifest"]["heat"].update(arms=["autoregressive"])),
    "an end before the start": ("exam", lambda r: r.update(finished_utc="2025-01-01T00:00:00Z")),
    "kept what was not learnt": ("exam", lambda r: r["cost"].update(kept_tokens=5001)),
    "a score of 2 in training": ("exam", lambda r: r["cost"].update(dev_scores=[2.0])),
    "a kept score of 2": ("exam", lambda r: r["cost"].update(kept_score=2.0)),
}


@pytest.mark.parametrize(("of", "change"), FORGERIES.values(), ids=FORGERIES)
def test_a_forgery_that_contradicts_itself(of: str, change: Callable[[Any], None], root: Path) -> None:
    forge(root, f"records/*{of}*", change)
    assert found(root)


@pytest.mark.parametrize("command", ["verify", "report", "ls"])
def test_every_command_says_so_and_ends_with_a_status(
    command: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without("records/*eagle2*")(root)
    with pytest.raises(SystemExit) as end:
        main([command, str(root)])
    assert end.value.code == 1
    assert "eagle2" in "".join(capsys.readouterr())
    assert not (root / "leaderboard.csv").exists()


def test_a_whole_store_is_verified_and_nothing_in_it_is_orphaned(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "rows" / "left-0123456789ab-01234567.jsonl").write_text("{}")
    for arguments, said in ((["verify"], "0 findings"), (["gc", "--delete"], "1 removed"), (["gc"], "0 to be removed")):
        with pytest.raises(SystemExit) as end:
            main([arguments[0], str(root), *arguments[1:]])
        assert end.value.code in (0, None)
        assert said in capsys.readouterr().err
    assert verify(Store(root)).findings == ()
