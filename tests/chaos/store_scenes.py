"""What is done to a small store while it is disturbed, how the next process goes on, and what must hold then."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from offbook.engine.progress import Silent
from offbook.harness.records.cell import Cell, CellRecord
from offbook.harness.records.exam import Exam
from offbook.harness.records.gc import orphans
from offbook.harness.records.journal import Journal
from offbook.harness.records.origin import Origin
from offbook.harness.records.record import Entry
from offbook.harness.records.store import Store
from offbook.harness.records.verify import verify
from offbook.harness.trials.upgrade import upgrade
from tests.chaos.schema_1 import schema_1
from tests.harness.conftest import heat
from tests.harness.records.test_exam import ROWS
from tests.harness.records.test_exam import record as exam_record

TRIALS = ("1" * 64, "2" * 64, "3" * 64)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One thing that a process does to a store.

    Attributes:
        name: for people.
        before: makes the folder.
        do: what is disturbed; the next process does it again.
        after: trials that are done then, and how many records there are.
    """

    name: str
    before: Callable[[Path], object]
    do: Callable[[Path], object]
    after: tuple[frozenset[str], int]


def entries(number: int, *, run: int = 0) -> list[Entry]:
    """A heat of two arms as a trial commits it, in its `run`-th run."""
    late = timedelta(hours=run)
    return [
        (_of_trial(cell.record, number, run, late), cell.rows)
        for cell in heat(heat_id=f"heat-{number}-{run}", seed=number)
    ]


def _of_trial(record: CellRecord, number: int, run: int, late: timedelta) -> CellRecord:
    manifest = record.manifest | {"heat": {"arms": ["autoregressive", "eagle2"], "order": "rotated", "run": run}}
    times = {"started_utc": record.started_utc + late, "finished_utc": record.finished_utc + late}
    return record.model_copy(update={"trial": TRIALS[number], "manifest": manifest, **times})


def _first(folder: Path) -> Store:
    store = Store(folder)
    store.commit(entries(0))
    store.commit([(exam_record(), ROWS)])
    return store


def _commit(number: int, run: int) -> Callable[[Path], object]:
    """What a process does that finds its trial done or runs it: times are others in every run."""

    def do(folder: Path) -> None:
        store = Store(folder)
        store.recover()
        if not store.has_trial(TRIALS[number]):
            store.commit(entries(number, run=run + sum(1 for _ in folder.glob("rows/*"))))

    return do


def _second(folder: Path) -> None:
    _first(folder).commit(entries(1))


def _replace(folder: Path) -> None:
    """The code of an arm has changed: its heat is another trial, which takes the place of the earlier."""
    store = Store(folder)
    store.recover()
    if store.has_trial(TRIALS[2]):
        return
    fresh = [(record.model_copy(update={"trial": TRIALS[2]}), rows) for record, rows in entries(1, run=1)]
    (baseline, plain), (arm, rows) = fresh
    spec = arm.spec.model_copy(update={"made_by": Origin(distribution="theirs", version="2")})
    changed = arm.model_copy(update={"spec": spec, "key": spec.key()})
    store.commit([(baseline, plain), (changed, rows)], instead_of=[arm.key])


def _lossy(folder: Path) -> None:
    """A heat that lost a record, and a ledger whose last line was torn off."""
    store = _first(folder)
    store.commit(entries(1))
    next((folder / "records").glob(f"*-eagle2-*{store.commit(entries(1))[1].key[:12]}.json")).unlink()
    with store.ledger.path.open("ab") as file:
        file.write(b'{"kind":"cell","na')


def _begun(folder: Path) -> None:
    """A heat that lost a record was run again, and whoever committed it is gone."""
    _lossy(folder)
    done, finish = Store(folder), Journal._finish

    class GoneError(Exception):
        pass

    def gone(*_: Any) -> None:
        raise GoneError

    Journal._finish = gone  # type: ignore[method-assign]
    try:
        done.commit(entries(1, run=1))
    except GoneError:
        pass
    finally:
        Journal._finish = finish  # type: ignore[method-assign]


def _retire(folder: Path) -> None:
    store = Store(folder)
    store.recover()
    store.retire(entries(0)[0][0].key)
    store.retire(entries(0)[1][0].key)


def _found(folder: Path) -> None:
    Store(folder).found(TRIALS[2], [record.key for record, _ in entries(0)])


def _schema_1(folder: Path) -> None:
    cells = [Cell(record=record, rows=tuple(rows)) for number in (0, 1) for record, rows in entries(number)]  # type: ignore[arg-type]
    schema_1(folder, cells, [Exam(exam_record(), tuple(ROWS))])


def _upgrade(folder: Path) -> None:
    upgrade(folder, Silent())


SCENES = (
    Scene(name="the first commit", before=Path.mkdir, do=_commit(0, 0), after=(frozenset(TRIALS[:1]), 2)),
    Scene(name="a commit", before=_first, do=_commit(1, 0), after=(frozenset(TRIALS[:2]), 5)),
    Scene(name="a heat run again", before=_lossy, do=_commit(1, 1), after=(frozenset(TRIALS[:2]), 5)),
    Scene(
        name="a heat in place of another",
        before=_second,
        do=_replace,
        after=(frozenset({TRIALS[0], TRIALS[2]}), 5),
    ),
    Scene(name="recovery", before=_begun, do=lambda f: Store(f).recover(), after=(frozenset(TRIALS[:2]), 5)),
    Scene(name="retiring", before=_first, do=_retire, after=(frozenset(), 1)),
    Scene(name="a trial found done", before=_first, do=_found, after=(frozenset({TRIALS[0], TRIALS[2]}), 3)),
    Scene(name="the upgrade", before=_schema_1, do=_upgrade, after=(frozenset(), 5)),
)


def fresh(scene: Scene, template: Path, folder: Path) -> Path:
    """A folder as the scene begins with; it is made once."""
    if not template.exists():
        scene.before(template)
    shutil.copytree(template, folder)
    return folder


def faults(scene: Scene, folder: Path, untouched: dict[str, bytes]) -> list[str]:
    """What is wrong after the next process has done it again."""
    scene.do(folder)
    store, (trials, count) = Store(folder), scene.after
    found = [*verify(store, again=True).findings]
    lines = store.ledger.lines()
    found += [f"expected {count} records, got {len(lines)}"] if len(lines) != count else []
    done = {trial for trial in TRIALS if store.has_trial(trial)}
    found += [f"expected {len(trials)} trials done, got {len(done)}"] if done != trials else []
    if not found:
        rows = {store.record(key).rows_file for key in lines}
        found += [f"rows of nobody: {path.name}" for path in folder.glob("rows/*") if path.name not in rows]
    found += [f"left over: {path.name}" for path in orphans(store)]
    found += [f"under way: {path.name}" for path in folder.glob("pending/*")]
    found += [f"of schema 1: {path.name}" for path in folder.glob("exams/*")]
    found += [f"{name}: lost or changed" for name, data in untouched.items() if _bytes(folder / name) != data]
    return found


def untouched(scene: Scene, template: Path) -> dict[str, bytes]:
    """Files that the scene leaves as they are."""
    return _same(template, _done(scene, template))


def _done(scene: Scene, template: Path) -> Path:
    folder = fresh(scene, template, template.with_name(f"{template.name}-whole"))
    scene.do(folder)
    return folder


def _same(one: Path, other: Path) -> dict[str, bytes]:
    names: Sequence[str] = [str(path.relative_to(one)) for path in one.glob("r*/*") if path.name[0] != "."]
    return {name: data for name in names if (data := _bytes(one / name)) == _bytes(other / name) and data}


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""
