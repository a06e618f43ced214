"""Where a run's numbers go beside its folder: experiment trackers that people have already. The folder stays the truth.

    --sink trackio | wandb | mlflow      each an extra of that name

A tracker gets one step a trial, when it is committed: acceptance length, tokens a second and accuracy of each arm, or
the accuracy of an exam. Trackers read their own settings (project, server, key) from their own environment variables.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from offbook.engine.decoding.metrics import acceptance_length, tokens_per_second
from offbook.engine.progress import Progress
from offbook.harness.matrix.graph import Stage
from offbook.harness.records.accuracy import is_accuracy
from offbook.harness.records.consistency import arm_of
from offbook.harness.records.store import Store
from offbook.harness.settings.sink import SinkKind

PROJECT = "offbook"


class Sink(NamedTuple):
    """A tracker that a run has opened: it takes numbers by name at a step, and is closed at the end."""

    log: Callable[[Mapping[str, float], int], Any]
    close: Callable[[], Any]


def open_sink(kind: SinkKind, run: str) -> Sink:
    """Opens a tracker.

    Args:
        kind: which.
        run: what it calls the run.

    Raises:
        ValueError: it is not installed, or it will not open.
    """
    try:
        tracker = import_module(kind)
    except ImportError as error:
        msg = f"--sink {kind}: expected it to be installed, found none; pip install 'offbook[{kind}]'"
        raise ValueError(msg) from error
    try:
        if kind == "mlflow":
            tracker.set_experiment(PROJECT)
            tracker.start_run(run_name=run)
            return Sink(lambda numbers, step: tracker.log_metrics(dict(numbers), step=step), tracker.end_run)
        tracker.init(project=PROJECT, name=run)
        return Sink(lambda numbers, step: tracker.log(dict(numbers), step=step), tracker.finish)
    except Exception as error:  # whatever a tracker or its server raises
        reason = " ".join(str(error).split())
        msg = (
            f"--sink {kind}: expected it to open a run, got {type(error).__name__}: {reason:.300}; see its own settings"
        )
        raise ValueError(msg) from error


@contextlib.contextmanager
def reporting(kind: SinkKind | None, folder: Path, progress: Progress) -> Iterator[Callable[[Stage], None]]:
    """What a run calls behind each trial; a tracker that fails is told of once, and the run goes on without it.

    Raises:
        ValueError: see `open_sink`.
    """
    if kind is None:
        yield lambda stage: None
        return
    sink, store, steps = open_sink(kind, folder.name), Store(folder), 0
    lost = ""

    def report(stage: Stage) -> None:
        nonlocal steps, lost
        numbers = numbers_of(stage, store)
        if lost or not numbers:
            return
        steps += 1
        try:
            sink.log(numbers, steps)
        except Exception as error:  # whatever a tracker or its server raises
            lost = f"{type(error).__name__}: {' '.join(str(error).split()):.300}"
            progress.say(f"--sink {kind} is told nothing more: {lost}")

    try:
        yield report
    finally:
        with contextlib.suppress(Exception):  # the records are in the folder
            sink.close()


def numbers_of(stage: Stage, store: Store) -> dict[str, float]:
    """What a committed trial tells a tracker, by names that say which trial and arm."""
    found: dict[str, float] = {}
    for line in store.ledger.behind(stage.key):
        record = store.record(line.key)
        rows = store.rows(record)
        if record.kind == "exam":
            right = [row.score for row in rows if is_accuracy(record.metrics[row.suite])]
            if right:
                found[f"{stage.title}/accuracy"] = sum(right) / len(right)
            continue
        where = f"{stage.title}/{arm_of(record)}"
        generations = [row.generation() for row in rows]
        found[f"{where}/acceptance_length"] = acceptance_length(generations)
        found[f"{where}/tokens_per_s"] = tokens_per_second(generations)
        if is_accuracy(record.metric):
            found[f"{where}/accuracy"] = sum(row.scores[record.metric] for row in rows) / len(rows)
    return found
