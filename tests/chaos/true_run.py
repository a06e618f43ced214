"""A finished run of a real, tiny matrix as it should be, and stages that are done again by copying from it."""

import contextlib
import functools
import importlib.metadata as metadata
import io
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from offbook.engine.progress import Progress
from offbook.harness.artifacts import manifest
from offbook.harness.artifacts.manifest import artifact_folder, check, complete
from offbook.harness.cli.main import main as offbook
from offbook.harness.matrix import making, running, state
from offbook.harness.matrix.failures import fail
from offbook.harness.matrix.graph import TRIALS, Graph, Stage
from offbook.harness.matrix.runners import RUNNERS
from offbook.harness.records import checked
from offbook.harness.records.store import Store
from offbook.harness.records.verify import whole
from tests.tiny import save_tiny

PROGRESS = re.compile(
    r"^(\d+ stages? expected.*\n|\| Stages .*\n\|[-:| ]+\n|\| (answers|drafter|student|heat|exam) .*\n)", re.MULTILINE
)
STAND_IN = "tests.chaos.true_run:again"
REAL = dict(RUNNERS)


@dataclass(frozen=True, kw_only=True)
class Run:
    """See the module.

    Attributes:
        folder: never touched.
        file: its matrix.
        earlier: the folder before a heat was run again, for stale copies.
        figures: its tables, by name.
        records: their hashes by key.
        graph: its plan.
    """

    folder: Path
    file: Path
    earlier: Path | None
    figures: dict[str, str]
    records: dict[str, str]
    graph: Graph

    @classmethod
    def of(cls, folder: Path, file: Path, earlier: Path | None, place: Path) -> "Run":
        """What is known of a finished run."""
        told("report", str(folder), "--output", str(place))
        held = {one.line.key: one.line.sha256 for one in whole(Store(folder)).held}
        return cls(
            folder=folder,
            file=file,
            earlier=earlier,
            figures=figures(place),
            records=held,
            graph=Graph.read(folder),
        )


def told(*arguments: str) -> tuple[int, str, str]:
    """Status, output and errors of a command, in this process."""
    state._cached.cache_clear()  # as in a process of its own
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            offbook(list(arguments))
        except SystemExit as end:
            return int(end.code or 0), out.getvalue(), err.getvalue()


def figures(folder: Path) -> dict[str, str]:
    """Tables as they stand there, without how far the plan is and without empty lines."""
    found = sorted([*folder.glob("*.csv"), *folder.glob("*.md")])
    return {path.name: re.sub(r"\n+", "\n", PROGRESS.sub("", path.read_text(errors="replace"))) for path in found}


def same_records(run: Path, true: Run) -> list[str]:
    """What a store that is in order holds that the true one does not, or the other way round."""
    try:
        found = {
            one.record.key: one.record.sha256 for held in [whole(Store(run))] for one in (*held.cells, *held.exams)
        }
    except ValueError as error:
        return [f"cannot be read: {error}"]
    return [] if found == true.records else [f"other records: {sorted(set(found.items()) ^ set(true.records.items()))}"]


def bad_artifacts(run: Path, true: Run, pattern: str = "[!.]*") -> list[str]:
    """Of the artifacts that the plan names, those whose files of a pattern are not as they were made."""
    found = [bad_artifact(run, true, stage, pattern) for stage in true.graph.stages if stage.kind not in TRIALS]
    return [problem for problem in found if problem is not None]


def bad_artifact(run: Path, true: Run, stage: Stage, pattern: str = "[!.]*") -> str | None:
    """What is wrong with one, file by file."""
    place, made = (artifact_folder(folder, stage.kind, stage.key) for folder in (run, true.folder))
    names = {path.relative_to(made) for path in made.rglob(pattern) if path.name != manifest.NAME}
    if any(_bytes(place / name) != _bytes(made / name) for name in names):
        return f"{place.name}: other files"
    return check(place, stage.key, again=True)


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def restore(run: Path, true: Path) -> None:
    """Makes a folder as it was; what has not changed is not touched."""
    there = {path.relative_to(run) for path in run.rglob("*") if path.is_file()}
    wanted = {path.relative_to(true) for path in true.rglob("*") if path.is_file()}
    for name in there - wanted:
        (run / name).unlink()
    for name in wanted:
        if _bytes(run / name) != (data := (true / name).read_bytes()):
            (run / name).parent.mkdir(parents=True, exist_ok=True)
            (run / name).write_bytes(data)


TRUE: list[Run] = []  # whom stand-ins copy from


def again(stage: Stage, folder: Path, progress: Progress, *, device: str) -> None:
    """Stands in for a stage: what it needs must be as it was, and what it makes is taken from there."""
    (true,) = TRUE
    for need in map(true.graph.stage, stage.needs):
        assert bad_artifact(folder, true, need) is None, f"{stage.title} uses {need.title}, which is damaged"
    if stage.kind in TRIALS:
        store = Store(true.folder)
        lines = store.ledger.behind(stage.key)
        Store(folder).commit([(store.record(line.key), store.rows(store.record(line.key))) for line in lines])
        return
    place = making._room(stage, folder, progress)
    shutil.copytree(artifact_folder(true.folder, stage.kind, stage.key), place, dirs_exist_ok=True)
    (place / manifest.NAME).unlink()
    complete(place, stage.key)


@contextlib.contextmanager
def stand_ins(true: Run) -> Iterator[None]:
    """Inside, stages are stand-ins, and files are remembered as soon as they were read."""
    rehearse, entry_points = running.rehearse, metadata.entry_points
    settled = checked.SETTLED_NS, manifest.SETTLED_NS
    TRUE.append(true)
    RUNNERS.update(dict.fromkeys(RUNNERS, STAND_IN))
    running.rehearse = lambda *_: None  # type: ignore[assignment]
    metadata.entry_points = functools.cache(entry_points)  # type: ignore[assignment]  # which looks at every package
    checked.SETTLED_NS = manifest.SETTLED_NS = 0
    try:
        yield
    finally:
        RUNNERS.update(REAL)
        running.rehearse, metadata.entry_points = rehearse, entry_points
        checked.SETTLED_NS, manifest.SETTLED_NS = settled
        TRUE.clear()


@contextlib.contextmanager
def real_runners() -> Iterator[None]:
    """Inside, artifacts are really made."""
    RUNNERS.update({kind: name for kind, name in REAL.items() if kind not in TRIALS})
    try:
        yield
    finally:
        RUNNERS.update(dict.fromkeys(RUNNERS, STAND_IN))


def true_run(place: Path) -> Run:
    """Makes the run: a heat lost a record and was run again, and a stage failed before it was done."""
    file, folder, earlier = place / "matrix.yaml", place / "true", place / "earlier"
    content = {
        "schema_version": 2,
        "description": "to be damaged",
        "models": {str(save_tiny(place / "tiny")): {}},
        "students": {"one": {"method": "single_rationale"}, "mind": {"method": "mind"}},
        "training": {"gradient_tokens": 600, "questions_per_step": 2, "evaluations": 1, "max_length": 4096},
        "corpus": {"questions": 7, "dev_questions": 7},
        "decoders": {
            "autoregressive": {},
            "eagle2": {"options": {"total_tokens": 6}},
            "borrowed": {"decoder": "eagle2", "drafter": "base", "options": {"total_tokens": 6}},
        },
        "drafters": {
            **{"answers": 6, "epochs": 1, "batch_size": 4, "draft_vocab_size": 64, "max_length": 128},
            "source": "regenerate",
        },
        "suites": {name: {"max_new_tokens": 4, "limit": 2} for name in ("qa",)},
        "exams": {"suites": {"id": ["procedural_shopping"]}, "limit": 2, "max_new_tokens": 8},
    }
    file.write_text(yaml.safe_dump(content))
    arguments = ("run", str(file), "--output", str(folder), "--executor", "in-process")
    status, _, err = told(*arguments)
    assert status == 0, err
    shutil.copytree(folder, earlier)
    next((folder / "records").glob("offbook-qa-eagle2-*.json")).unlink()
    status, _, err = told(*arguments)
    assert status == 0, err
    fail(folder, Graph.read(folder).of_kind("heat")[0].key, "OSError", "a cable was loose")
    told("report", str(folder))
    return Run.of(folder, file, earlier, place / "figures")
