"""The ledger: lines stand for themselves, in any order, and an append costs what it holds."""

import shutil
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from offbook.engine.quoting import ranges
from offbook.harness.records.gc import orphans
from offbook.harness.records.ledger import Ledger, Line
from offbook.harness.records.store import Store
from offbook.harness.records.verify import verify


def line(name: str, version: int = 0, *, trial: str = "", of: int = 1) -> Line:
    return Line(kind="cell", name=name, key=name * 64, sha256=f"{version}" * 64, trial=trial, of=of)


def everywhere(_: Line) -> bool:
    return True


def hashes(ledger: Ledger) -> dict[str, str]:
    return {found.name: found.sha256[0] for found in ledger.lines().values()}


def test_a_retirement_holds_wherever_it_stands(tmp_path: Path) -> None:
    old, new = Ledger(tmp_path / "old"), Ledger(tmp_path / "new")
    old.append([line("a"), line("b")])
    new.append([line("a"), line("c")])
    new.retire([line("a").named])
    new.append([line("a", 1)])
    parts = [ledger.path.read_bytes() for ledger in (old, new)]
    single = [text + b"\n" for part in parts for text in part.splitlines()]
    assert len(single) == 6
    (tmp_path / "merged").mkdir()
    for order in [*permutations(parts), *permutations(single)]:
        merged = Ledger(tmp_path / "merged")
        merged.path.write_bytes(b"".join(order))
        assert hashes(merged) == {"a": "1", "b": "0", "c": "0"}


def test_a_retired_record_that_is_committed_again_counts(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.append([line("a"), line("b", of=2)])
    ledger.retire([line("a").named, line("b").named])
    ledger.append([line("b")])
    assert hashes(ledger) == hashes(Ledger(tmp_path)) == {"b": "0"}
    assert ledger.lines()["b" * 64].of == 1


def test_two_versions_of_one_record_are_refused(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.append([line("a")])
    ledger.append([line("a", 1)])
    for reader in (ledger, Ledger(tmp_path)):
        with pytest.raises(ValueError, match="line 2: expected one line for aaaaaaaaaaaa, got another before; delete"):
            reader.lines()
    ledger.path.write_bytes(ledger.path.read_bytes().splitlines(keepends=True)[0])
    assert hashes(ledger) == {"a": "0"}


def test_two_stores_with_the_same_cells_are_merged_as_the_message_says(tmp_path: Path, make_heat: Any) -> None:
    """One folder is copied over the other, one ledger written behind the other."""
    ours, theirs = Store(tmp_path / "ours"), Store(tmp_path / "theirs")
    for store, name in ((ours, "heat-1"), (theirs, "heat-2")):
        store.commit(
            [(cell.record, cell.rows) for cell in make_heat(heat_id=f"own {name}", seed=len(name) + ord(name[-1]))]
        )
        store.commit(
            [
                (cell.record, [row.model_copy(update={"text": name}) for row in cell.rows])
                for cell in make_heat(heat_id=name)
            ]
        )
    before = ours.ledger.path.read_bytes()
    shutil.copytree(theirs.root, ours.root, dirs_exist_ok=True)
    ours.ledger.path.write_bytes(before + theirs.ledger.path.read_bytes())
    (told,) = verify(Store(ours.root)).findings
    assert told.endswith("got another before; delete the lines whose hashes no record has: 3-4")
    lines = ours.ledger.path.read_text().splitlines(keepends=True)
    ours.ledger.path.write_text("".join(lines[:2] + lines[4:]))
    merged = verify(Store(ours.root))
    assert merged.findings == ()
    assert {cell.record.heat_id for cell in merged.cells} == {"own heat-1", "own heat-2", "heat-2"}
    replaced = orphans(Store(ours.root))
    assert len(replaced) == 2
    for path in replaced:
        path.unlink()
    assert verify(Store(ours.root), again=True).findings == ()


def test_lines_of_one_record_that_disagree_otherwise_are_restored(tmp_path: Path, make_heat: Any) -> None:
    store = Store(tmp_path)
    store.commit([(cell.record, cell.rows) for cell in make_heat()])
    with store.ledger.path.open("a") as file:
        file.write(store.ledger.path.read_text().replace('"of":2', '"of":3').splitlines(keepends=True)[0])
    (told,) = verify(Store(tmp_path)).findings
    assert told.endswith("got another before; restore the file")


@pytest.mark.parametrize(("numbers", "text"), [([3], "3"), ([3, 4, 5, 8], "3-5, 8"), ([1, 3, 4], "1, 3-4")])
def test_numbers_of_lines_as_an_editor_takes_them(numbers: list[int], text: str) -> None:
    assert ranges(numbers) == text


def test_a_ledger_is_read_on_where_another_process_wrote(tmp_path: Path) -> None:
    ours, theirs = Ledger(tmp_path), Ledger(tmp_path)
    for number, name in enumerate("abcdef"):
        (ours, theirs)[number % 2].append([line(name)])
        assert list(ours.lines()) == list(theirs.lines()) == ["abcdef"[i] * 64 for i in range(number + 1)]
    theirs.retire([line("c").named])
    assert "c" * 64 not in ours.lines()
    with ours.path.open("ab") as file:
        file.write(b'{"kind": "ce')  # a writer that was killed
    ours.append([line("g")])
    assert list(Ledger(tmp_path).lines()) == list(theirs.lines()) == [name * 64 for name in "abdefg"]


@pytest.mark.parametrize("name", ["x", "xyz", ""])
def test_a_ledger_that_was_edited_is_read_again(name: str, tmp_path: Path) -> None:
    """In its place, so that it is shorter, longer or as long as it was."""
    ledger = Ledger(tmp_path)
    ledger.append([line("a"), line("b")])
    ledger.lines()
    first, second = ledger.path.read_text().splitlines(keepends=True)
    ledger.path.write_text(first.replace('"name":"a"', f'"name":"{name}"') + second)
    assert [found.name for found in ledger.lines().values()] == [name, "b"]


def test_an_append_and_a_retirement_read_and_write_what_they_hold(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.append([line(name) for name in "abcdef"])
    ledger.lines()
    size, before = ledger.path.stat().st_size, ledger.path.read_bytes()
    ledger.path.write_bytes(b"\0" * (size // 2) + before[size // 2 :])  # nobody looks there again
    ledger._stamp = (ledger.path.stat().st_ino, size, ledger.path.stat().st_mtime_ns)
    ledger.retire([line("a").named])
    ledger.append([line("g")])
    assert list(ledger.lines()) == [name * 64 for name in "bcdefg"]


def test_a_trial_is_there_when_all_that_it_made_or_found_is(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.append([line("a", trial="one", of=2), line("b", trial="one", of=2)])
    ledger.append([line("c", trial="two", of=3), line("d")])
    assert ledger.has_trial("one", everywhere)
    assert not ledger.has_trial("one", lambda line: line.name != "b")
    assert not ledger.has_trial("two", everywhere)
    assert not ledger.has_trial("", everywhere)
    ledger.found("three", ["a" * 64, "d" * 64])
    assert ledger.has_trial("three", everywhere)
    assert Ledger(tmp_path).has_trial("three", everywhere)
    assert not ledger.has_trial("three", lambda line: line.name != "d")
    assert [[found.name for found in ledger.behind(trial)] for trial in ("one", "two", "three", "four")] == [
        ["a", "b"],
        ["c"],
        ["a", "d"],
        [],
    ]
    ledger.retire([line("a").named])
    assert [found.name for found in ledger.behind("three")] == ["d"]
    assert ledger.of_trial("three") == []
    assert not ledger.has_trial("one", everywhere)
    assert not ledger.has_trial("three", everywhere)


@pytest.mark.parametrize(
    "text",
    [
        '{"kind": "cell"}',
        '{"kind": "retired", "key": "a", "sha256": "b", "of": 1}',
        '{"kind": "retired", "key": "a", "sha256": 1}',
        '{"kind": "found", "trial": "a", "keys": ["b"], "sha256": "c"}',
        '{"kind": "cell", "name": "a", "key": "a", "key": "b", "sha256": "c", "trial": "", "of": 1}',
        '{"kind": "cell", "name": "a", "key": "a", "sha256": "c", "trial": "", "of": 0}',
        '{"kind": "cell", "name": "a", "key": "a", "sha256": "c", "trial": "", "of": true}',
        '{"kind": []}',
        "[" * 100_000,
    ],
)
def test_a_line_that_is_none_is_named(text: str, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.append([line("a")])
    with ledger.path.open("a") as file:
        file.write(text + "\n")
    with pytest.raises(
        ValueError, match=r"ledger\.jsonl, line 2: expected a line of the ledger, got .*; restore"
    ) as told:
        ledger.lines()
    assert "\n" not in str(told.value)


def test_retiring_one_record_leaves_none_of_its_files(
    tmp_path: Path, make_spec: Any, make_record: Any, make_row: Any
) -> None:
    store = Store(tmp_path)
    records = [store.commit([(make_record(make_spec(seed=seed)), [make_row(0), make_row(1)])])[0] for seed in range(3)]
    store.retire(records[1].key)
    store.retire(records[1].key)
    assert {path.stem.rsplit("-", 1)[1] for path in (tmp_path / "records").iterdir()} == {
        record.key[:12] for record in (records[0], records[2])
    }
    assert len(list((tmp_path / "rows").iterdir())) == 2
    assert store.strangers() == []
    assert store.commit([(records[1], [make_row(0), make_row(1)])])[0].sha256 == records[1].sha256
    assert len(Store(tmp_path).cells()) == 3
